# mmfarm scenario 1
# title: a guard that another thread removes in time does no harm
# category: madv_guard
# expect: clean
# origin: seed:guard-regions
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 madvise 1..2 GUARD_INSTALL
3 T0 write 1
4 T1 madvise 0..4 GUARD_REMOVE
5 T0 read 1
@3 op:begin#1 park 4
