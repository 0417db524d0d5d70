# mmfarm scenario 1
# title: MAP_FIXED over guards gives plain memory
# category: madv_guard
# expect: clean
# origin: seed:guard-regions
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 madvise 0..4 GUARD_INSTALL
3 T0 mmap 0..4 rw private anon
4 T0 write 1
5 T0 read 2
