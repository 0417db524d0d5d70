# mmfarm scenario 1
# title: MADV_POPULATE_READ of a mapping without PROT_READ is refused
# category: madv_populate
# expect: clean
# origin: seed:madv_populate
config pmd_order=3 frames=64
1 T0 mmap 0..4 w private anon
2 T0 madvise 0..4 POPULATE_READ
3 T0 madvise 0..4 POPULATE_WRITE
4 T0 pagemap 1
