# mmfarm scenario 1
# title: a store that comes while reclaim drops a page is not lost
# category: cow
# requires: swap
# expect: clean
# origin: seed:cow
config pmd_order=3 frames=64 swap=8
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 T0 madvise 0..8 FREE
4 T0 madvise 0..8 PAGEOUT
5 T1 write 3
6 T0 read 3
@4 try_to_unmap_one:lock#1 -> T1
