# mmfarm scenario 1
# title: mprotect() to read-only and back does not hide the next store
# category: soft_dirty
# requires: soft-dirty
# expect: clean
# origin: seed:soft-dirty
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 1
3 T0 clear_refs soft-dirty
4 T0 mprotect 0..4 r
5 T0 mprotect 0..4 rw
6 T0 pagemap 1
7 T0 write 1
8 T0 pagemap 1
