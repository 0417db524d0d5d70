# mmfarm scenario 1
# title: a page zapped after make_device_exclusive() and before its driver maps it is not mapped
# category: hmm
# requires: device-private
# expect: clean
# origin: seed:hmm-tests
config pmd_order=3 frames=64
1 T0 mmap 0..1 w private anon populate
2 DEVICE device_exclusive 0..1
3 T0 madvise 0..1 DONTNEED
4 DEVICE device_atomic 0
@2 mmu_notifier_invalidate_range_end:seq#1 -> T0
