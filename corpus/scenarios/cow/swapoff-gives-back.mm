# mmfarm scenario 1
# title: swapoff() gives everybody his pages back
# category: cow
# requires: swap
# expect: clean
# origin: seed:cow
config pmd_order=3 frames=64 swap=8
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 T0 madvise 0..8 PAGEOUT
4 T0 fork T1
5 T0 swapoff
6 T0 pagemap 3
7 T0 read 3
8 T1 write 3
9 T0 read 3
10 T0 swapoff
