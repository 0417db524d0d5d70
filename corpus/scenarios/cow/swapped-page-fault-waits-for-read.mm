# mmfarm scenario 1
# title: two threads fault on a page in swap: the second waits until the first has read it
# category: cow
# requires: swap
# expect: clean
# origin: seed:cow
config pmd_order=3 frames=64 swap=8
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 T0 madvise 0..8 PAGEOUT
4 T0 read 3
5 T1 read 3
@4 swap_read_folio:word#2 -> T1
