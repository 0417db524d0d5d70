# mmfarm scenario 1
# title: MADV_WIPEONFORK wipes guards too
# category: madv_guard
# expect: clean
# origin: seed:guard-regions
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 madvise 1..2 GUARD_INSTALL
3 T0 madvise 0..4 WIPEONFORK
4 T0 fork T1
5 T1 read 1
6 T0 read 1
