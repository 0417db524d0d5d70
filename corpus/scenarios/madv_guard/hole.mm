# mmfarm scenario 1
# title: a hole makes MADV_GUARD_INSTALL fail with ENOMEM after all that is mapped is guarded
# category: madv_guard
# expect: clean
# origin: seed:guard-regions
config pmd_order=3 frames=64
1 T0 mmap 0..2 rw private anon
2 T0 mmap 4..6 rw private anon
3 T0 write 5
4 T0 madvise 0..6 GUARD_INSTALL
5 T0 read 1
6 T0 read 5
7 T0 madvise 0..8 GUARD_REMOVE
8 T0 read 5
