# mmfarm scenario 1
# title: guards fill page tables without a single page of memory
# category: madv_guard
# expect: clean
# origin: seed:guard-regions
config pmd_order=3 frames=64
1 T0 mmap 4..28 rw private anon
2 T0 write 20
3 T0 madvise 4..28 GUARD_INSTALL
4 T0 read 4
5 T0 read 20
6 T0 read 27
7 T0 madvise 8..24 GUARD_REMOVE
8 T0 write 8
9 T0 read 20
10 T0 read 24
