# mmfarm scenario 1
# title: swapoff() forgets that a page was modified
# category: soft_dirty
# requires: swap
# expect: soft-dirty unuse_pte pte
# origin: seed:unuse-pte-loses-bits
config pmd_order=3 frames=64 swap=8 bug=unuse-pte-loses-bits
1 T0 mmap 0..1 rw private anon
2 T0 write 0
3 T0 clear_refs soft-dirty
4 T0 write 0
5 T0 madvise 0..1 PAGEOUT
6 T0 swapoff
