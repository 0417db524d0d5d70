# mmfarm scenario 1
# title: MADV_POPULATE_READ maps the zero page everywhere
# category: madv_populate
# expect: clean
# origin: seed:madv_populate
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 1
3 T0 madvise 0..4 POPULATE_READ
4 T0 pagemap 0
5 T0 pagemap 1
6 T0 read 1
