# mmfarm scenario 1
# title: a store to a page that is being written to swap is not lost
# category: cow
# requires: swap
# expect: clean
# origin: seed:cow
config pmd_order=3 frames=64 swap=8
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 T0 madvise 0..8 PAGEOUT
4 T1 write 3
5 T0 madvise 0..8 PAGEOUT
6 T0 read 3
@3 swap_writepage:word#2 -> T1
