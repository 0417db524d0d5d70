# mmfarm scenario 1
# title: MADV_POPULATE_WRITE stops with ENOMEM at a hole and has populated what is before
# category: madv_populate
# expect: clean
# origin: seed:madv_populate
config pmd_order=3 frames=64
1 T0 mmap 0..2 rw private anon
2 T0 mmap 4..6 rw private anon
3 T0 madvise 0..6 POPULATE_WRITE
4 T0 pagemap 1
5 T0 pagemap 4
6 T0 madvise 2..6 POPULATE_READ
7 T0 pagemap 4
