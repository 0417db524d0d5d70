# mmfarm scenario 1
# title: MADV_POPULATE_WRITE goes through several mappings up to one it may not write
# category: madv_populate
# expect: clean
# origin: seed:madv_populate
config pmd_order=3 frames=64
1 T0 mmap 0..2 rw private anon
2 T0 mmap 2..4 rw shared anon
3 T0 mmap 4..6 r private anon
4 T0 madvise 0..4 POPULATE_WRITE
5 T0 pagemap 3
6 T0 madvise 0..6 POPULATE_WRITE
7 T0 madvise 0..6 POPULATE_READ
8 T0 pagemap 5
