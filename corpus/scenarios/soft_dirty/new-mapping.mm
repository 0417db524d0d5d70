# mmfarm scenario 1
# title: all of a new mapping is soft-dirty, touched or not
# category: soft_dirty
# requires: soft-dirty
# expect: clean
# origin: seed:soft-dirty
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 pagemap 1
3 T0 clear_refs soft-dirty
4 T0 pagemap 1
5 T0 mmap 0..4 rw private anon
6 T0 pagemap 1
