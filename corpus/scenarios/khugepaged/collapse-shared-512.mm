# mmfarm scenario 1
# title: MADV_COLLAPSE copies pages that a child shares, and the child keeps its own
# category: khugepaged
# expect: clean
# origin: seed:transhuge-stress
config pmd_order=9 frames=4096 pages=1024 thp=madvise
1 T0 mmap 0..512 rw private anon
2 T0 write 3
3 T0 write 4
4 T0 fork T1
5 T0 madvise 0..512 COLLAPSE
6 T0 read 3
7 T1 read 3
8 T0 write 3
9 T1 read 3
10 T1 pagemap 3
11 T0 pagemap 3
