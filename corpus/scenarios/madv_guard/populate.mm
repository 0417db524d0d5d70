# mmfarm scenario 1
# title: MADV_POPULATE_* stop at a guard with EFAULT
# category: madv_guard
# expect: clean
# origin: seed:guard-regions
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 madvise 2..3 GUARD_INSTALL
3 T0 madvise 0..4 POPULATE_READ
4 T0 madvise 0..4 POPULATE_WRITE
5 T0 pagemap 1
6 T0 pagemap 2
7 T0 pagemap 3
