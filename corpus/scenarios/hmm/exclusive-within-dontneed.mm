# mmfarm scenario 1
# title: make_device_exclusive() within an invalidation whose callback has not run yet
# category: hmm
# requires: device-private
# expect: clean
# origin: seed:hmm-tests
config pmd_order=3 frames=64
1 T0 mmap 0..1 w private anon
2 T0 madvise 0..1 DONTNEED
3 DEVICE device_exclusive 0..1
@2 dmirror_interval_invalidate:lock#1 -> DEVICE
@3 mmu_notifier_invalidate_range_end:seq#1 -> T0
