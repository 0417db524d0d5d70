# mmfarm scenario 1
# title: MADV_POPULATE_WRITE copies pages that are shared with the child
# category: madv_populate
# expect: clean
# origin: seed:madv_populate
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 1
3 T0 fork T1
4 T0 pagemap 1
5 T0 madvise 0..4 POPULATE_WRITE
6 T0 pagemap 1
7 T1 pagemap 1
8 T0 read 1
