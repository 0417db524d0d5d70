# mmfarm scenario 1
# title: soft-dirty bits are inherited by the child
# category: soft_dirty
# requires: soft-dirty
# expect: clean
# origin: seed:soft-dirty
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 1
3 T0 write 2
4 T0 clear_refs soft-dirty
5 T0 write 1
6 T0 fork T1
7 T1 pagemap 1
8 T1 pagemap 2
9 T1 write 2
10 T1 pagemap 2
11 T0 pagemap 2
