# mmfarm scenario 1
# title: every access to a guard page is SIGSEGV until the guard is removed
# category: madv_guard
# expect: clean
# origin: seed:guard-regions
config pmd_order=3 frames=64
1 T0 mmap 0..8 rw private anon
2 T0 madvise 2..4 GUARD_INSTALL
3 T0 read 2
4 T0 write 3
5 T0 write 4
6 T0 pagemap 3
7 T0 madvise 2..4 GUARD_REMOVE
8 T0 read 2
9 T0 write 3
