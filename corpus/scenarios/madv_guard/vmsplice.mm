# mmfarm scenario 1
# title: vmsplice() of a guard page is EFAULT
# category: madv_guard
# expect: clean
# origin: seed:guard-regions
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 madvise 1..2 GUARD_INSTALL
3 T0 vmsplice p0 1
4 T0 vmsplice p0 2
5 T0 pipe_read p0
