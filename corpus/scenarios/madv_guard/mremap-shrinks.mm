# mmfarm scenario 1
# title: guards in a tail that is cut off do not come back when the mapping grows
# category: madv_guard
# expect: clean
# origin: seed:guard-regions
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 madvise 0..1 GUARD_INSTALL
3 T0 madvise 3..4 GUARD_INSTALL
4 T0 mremap 0..4 to 0..2
5 T0 mremap 0..2 to 0..4
6 T0 read 0
7 T0 read 3
