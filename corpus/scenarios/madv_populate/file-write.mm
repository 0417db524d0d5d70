# mmfarm scenario 1
# title: MADV_POPULATE_WRITE of a private file mapping copies before any store
# category: madv_populate
# expect: clean
# origin: seed:madv_populate
config pmd_order=3 frames=64
1 T0 memfd f0 4
2 T0 pwrite f0 1
3 T0 mmap 0..4 rw private f0
4 T0 madvise 0..4 POPULATE_WRITE
5 T0 pagemap 1
6 T0 pwrite f0 1
7 T0 read 1
