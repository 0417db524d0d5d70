# mmfarm scenario 1
# title: a guard region that mremap() has moved is soft-dirty until clear_refs
# category: soft_dirty
# requires: soft-dirty
# expect: clean
# origin: seed:soft-dirty
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 madvise 0..4 GUARD_INSTALL
3 T0 clear_refs soft-dirty
4 T0 mremap 0..4 to 16
5 T0 pagemap 17
6 T0 clear_refs soft-dirty
7 T0 pagemap 17
