# mmfarm scenario 1
# title: a guard replaces the zero page
# category: madv_guard
# expect: clean
# origin: seed:guard-regions
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 read 1
3 T0 madvise 1..2 GUARD_INSTALL
4 T0 pagemap 1
5 T0 read 1
