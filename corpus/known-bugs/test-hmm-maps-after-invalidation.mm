# mmfarm scenario 1
# title: lib/test_hmm.c maps a page on the device that was invalidated during its migration
# category: hmm
# requires: device-private
# expect: secondary-mmu dmirror_migrate_finalize_and_map device-private
# origin: seed:test-hmm-maps-after-invalidation
config pmd_order=3 frames=64 bug=test-hmm-maps-after-invalidation
1 T0 mmap 0..1 rw private anon
2 T0 write 0
3 DEVICE migrate_to_device 0..1
4 T1 madvise 0..1 DONTNEED
@3 dmirror_migrate_finalize_and_map:lock#1 -> T1
