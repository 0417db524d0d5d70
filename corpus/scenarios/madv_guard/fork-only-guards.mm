# mmfarm scenario 1
# title: guards are inherited from a mapping in which no page was touched
# category: madv_guard
# expect: clean
# origin: seed:guard-regions
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 madvise 1..2 GUARD_INSTALL
3 T0 fork T1
4 T1 pagemap 1
5 T1 write 1
6 T1 write 0
