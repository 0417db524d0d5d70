# mmfarm scenario 1
# title: a mapping that grew by a merge is soft-dirty as a whole
# category: soft_dirty
# requires: soft-dirty
# expect: clean
# origin: seed:soft-dirty
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 1
3 T0 clear_refs soft-dirty
4 T0 mmap 4..8 rw private anon
5 T0 pagemap 1
6 T0 pagemap 5
