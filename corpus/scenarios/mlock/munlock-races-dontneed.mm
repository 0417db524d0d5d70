# mmfarm scenario 1
# title: MADV_DONTNEED waits for munlock()
# category: mlock
# expect: clean
# origin: seed:mlock
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon locked
2 T0 munlock 0..4
3 T1 madvise 0..4 DONTNEED
4 T0 mincore 0..4
@2 mlock_vma_pages_range:set_flags#1 -> T1
