# mmfarm scenario 1
# title: swapoff() keeps what pages say of their modification
# category: soft_dirty
# requires: swap
# expect: clean
# origin: seed:soft-dirty
config pmd_order=3 frames=64 swap=8
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 T0 write 4
4 T0 clear_refs soft-dirty
5 T0 write 3
6 T0 madvise 0..8 PAGEOUT
7 T0 swapoff
8 T0 pagemap 3
9 T0 pagemap 4
