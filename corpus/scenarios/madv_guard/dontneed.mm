# mmfarm scenario 1
# title: MADV_DONTNEED does not remove guards
# category: madv_guard
# expect: clean
# origin: seed:guard-regions
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 1
3 T0 madvise 2..3 GUARD_INSTALL
4 T0 madvise 0..4 DONTNEED
5 T0 read 1
6 T0 read 2
