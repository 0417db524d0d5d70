# mmfarm scenario 1
# title: the child inherits guards, and removes them for itself
# category: madv_guard
# expect: clean
# origin: seed:guard-regions
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 1
3 T0 madvise 2..3 GUARD_INSTALL
4 T0 fork T1
5 T1 read 2
6 T1 madvise 0..4 GUARD_REMOVE
7 T1 write 2
8 T1 read 1
9 T0 read 2
