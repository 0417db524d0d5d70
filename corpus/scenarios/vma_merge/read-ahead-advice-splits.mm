# mmfarm scenario 1
# title: MADV_SEQUENTIAL and MADV_RANDOM split a mapping, MADV_NORMAL merges it
# category: vma_merge
# expect: clean
# origin: seed:merge
config pmd_order=3 frames=64
1 T0 mmap 0..8 rw private anon
2 T0 madvise 0..4 SEQUENTIAL
3 T0 madvise 4..8 RANDOM
4 T0 madvise 4..8 SEQUENTIAL
5 T0 madvise 0..2 NORMAL
