# mmfarm scenario 1
# title: growing a mapping adds no guards behind the last one
# category: madv_guard
# expect: clean
# origin: seed:guard-regions
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 madvise 3..4 GUARD_INSTALL
3 T0 mremap 0..4 to 16..22
4 T0 read 19
5 T0 write 20
6 T0 write 21
