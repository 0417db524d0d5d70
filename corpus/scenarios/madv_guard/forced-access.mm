# mmfarm scenario 1
# title: /proc/self/mem cannot reach behind a guard
# category: madv_guard
# expect: clean
# origin: seed:guard-regions
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 madvise 1..2 GUARD_INSTALL
3 T0 mem_read 1
4 T0 mem_write 1
5 T0 mem_write 2
6 T0 read 2
