# mmfarm scenario 1
# title: mprotect() leaves guards where they are
# category: madv_guard
# expect: clean
# origin: seed:guard-regions
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 madvise 1..2 GUARD_INSTALL
3 T0 mprotect 0..4 r
4 T0 mprotect 0..4 rw
5 T0 read 1
6 T0 write 2
7 T0 madvise 1..2 GUARD_REMOVE
8 T0 write 1
