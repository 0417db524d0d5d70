# mmfarm scenario 1
# title: a guard is not in core, but the page of the file behind it is
# category: madv_guard
# expect: clean
# origin: seed:guard-regions
config pmd_order=3 frames=64
1 T0 memfd f0 4
2 T0 mmap 0..4 rw shared f0 populate
3 T0 mmap 8..12 rw private anon populate
4 T0 madvise 0..2 GUARD_INSTALL
5 T0 madvise 8..10 GUARD_INSTALL
6 T0 mincore 0..4
7 T0 mincore 8..12
