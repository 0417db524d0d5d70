# mmfarm scenario 1
# title: a page that is zapped while it is written to swap is not there again
# category: cow
# requires: swap
# expect: clean
# origin: seed:cow
config pmd_order=3 frames=64 swap=8
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 T0 madvise 0..8 PAGEOUT
4 T1 madvise 0..8 DONTNEED
5 T0 read 3
@3 swap_writepage:word#2 -> T1
