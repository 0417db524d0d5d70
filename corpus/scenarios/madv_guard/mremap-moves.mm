# mmfarm scenario 1
# title: guards move with their mapping
# category: madv_guard
# expect: clean
# origin: seed:guard-regions
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 1
3 T0 madvise 0..1 GUARD_INSTALL
4 T0 madvise 3..4 GUARD_INSTALL
5 T0 mremap 0..4 to 16
6 T0 read 16
7 T0 read 17
8 T0 read 19
