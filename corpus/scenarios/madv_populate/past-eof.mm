# mmfarm scenario 1
# title: MADV_POPULATE_* past the end of a file fail with EFAULT
# category: madv_populate
# expect: clean
# origin: seed:madv_populate
config pmd_order=3 frames=64
1 T0 memfd f0 2
2 T0 mmap 0..4 rw shared f0
3 T0 madvise 0..4 POPULATE_READ
4 T0 pagemap 1
5 T0 madvise 0..4 POPULATE_WRITE
6 T0 madvise 0..2 POPULATE_WRITE
