# mmfarm scenario 1
# title: MADV_POPULATE_WRITE of a read-only mapping is refused, reading is not
# category: madv_populate
# expect: clean
# origin: seed:madv_populate
config pmd_order=3 frames=64
1 T0 mmap 0..4 r private anon
2 T0 madvise 0..4 POPULATE_WRITE
3 T0 pagemap 1
4 T0 madvise 0..4 POPULATE_READ
5 T0 pagemap 1
