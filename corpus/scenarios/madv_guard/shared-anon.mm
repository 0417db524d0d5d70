# mmfarm scenario 1
# title: guards in shared memory are the process's own, the data stays
# category: madv_guard
# expect: clean
# origin: seed:guard-regions
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw shared anon
2 T0 write 1
3 T0 fork T1
4 T0 madvise 1..2 GUARD_INSTALL
5 T0 read 1
6 T1 read 1
7 T0 madvise 1..2 GUARD_REMOVE
8 T0 read 1
