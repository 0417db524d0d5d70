# mmfarm scenario 1
# title: MADV_DONTNEED that empties a page table frees it even if it had to flush on the way
# category: process_madv
# expect: clean
# origin: seed:process_madv
config pmd_order=3 frames=64 gather_batch=4
1 T0 mmap 0..8 rw private anon
2 T0 madvise 0..8 POPULATE_WRITE
3 T0 madvise 0..8 DONTNEED
4 T0 pagemap 2
