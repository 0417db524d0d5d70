# mmfarm scenario 1
# title: MADV_POPULATE_WRITE brings in pages and keeps the data that is there
# category: madv_populate
# expect: clean
# origin: seed:madv_populate
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 1
3 T0 read 2
4 T0 madvise 0..4 POPULATE_WRITE
5 T0 pagemap 0
6 T0 pagemap 2
7 T0 read 1
8 T0 read 2
