# mmfarm scenario 1
# title: parent and child have a page of their own after each has stored to what was in swap
# category: cow
# requires: swap
# expect: clean
# origin: seed:cow
config pmd_order=3 frames=64 swap=8
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 T0 madvise 0..8 PAGEOUT
4 T0 fork T1
5 T0 read 3
6 T1 write 3
7 T0 read 3
8 T1 read 3
9 T0 write 3
10 T1 read 3
