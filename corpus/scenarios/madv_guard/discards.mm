# mmfarm scenario 1
# title: installing a guard discards the page that was there
# category: madv_guard
# expect: clean
# origin: seed:guard-regions
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 1
3 T0 write 2
4 T0 madvise 1..2 GUARD_INSTALL
5 T0 madvise 0..4 GUARD_REMOVE
6 T0 read 1
7 T0 read 2
