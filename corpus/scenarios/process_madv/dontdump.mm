# mmfarm scenario 1
# title: MADV_DONTDUMP splits a mapping, MADV_DODUMP makes it one again
# category: process_madv
# expect: clean
# origin: seed:process_madv
config pmd_order=3 frames=64
1 T0 mmap 0..8 rw private anon
2 T0 madvise 2..4 DONTDUMP
3 T0 mremap 0..4 to 16..22
4 T0 madvise 2..4 DODUMP
5 T0 mremap 0..4 to 16..22
