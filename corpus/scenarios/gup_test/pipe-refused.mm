# mmfarm scenario 1
# title: vmsplice() takes no page that the process may not read
# category: gup_test
# expect: clean
# origin: seed:cow
config pmd_order=3 frames=64
1 T0 mmap 0..4 none private anon
2 T0 vmsplice p0 1
3 T0 vmsplice p1 5
4 T0 mprotect 0..4 r
5 T0 vmsplice p0 1
6 T0 unpin p0
