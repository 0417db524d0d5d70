# mmfarm scenario 1
# title: installing over guards and removing none are no errors
# category: madv_guard
# expect: clean
# origin: seed:guard-regions
config pmd_order=3 frames=64
1 T0 mmap 0..8 rw private anon
2 T0 madvise 2..4 GUARD_INSTALL
3 T0 madvise 0..8 GUARD_INSTALL
4 T0 read 0
5 T0 madvise 0..8 GUARD_REMOVE
6 T0 madvise 0..8 GUARD_REMOVE
7 T0 read 3
