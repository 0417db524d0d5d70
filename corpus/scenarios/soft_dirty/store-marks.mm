# mmfarm scenario 1
# title: after clear_refs a page is soft-dirty once it is stored to
# category: soft_dirty
# requires: soft-dirty
# expect: clean
# origin: seed:soft-dirty
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 1
3 T0 write 2
4 T0 pagemap 1
5 T0 clear_refs soft-dirty
6 T0 pagemap 1
7 T0 write 1
8 T0 read 2
9 T0 pagemap 1
10 T0 pagemap 2
