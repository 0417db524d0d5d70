# mmfarm scenario 1
# title: a fault that finds a guard where nothing was gives up and sees it
# category: madv_guard
# expect: clean
# origin: seed:guard-regions
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 0
3 T0 write 1
4 T1 madvise 0..3 GUARD_INSTALL
@3 do_anonymous_page:lock#1 -> T1
