# mmfarm scenario 1
# title: max_ptes_shared: khugepaged leaves what has more pages of two processes
# category: khugepaged
# requires: khugepaged
# expect: clean
# origin: seed:transhuge-stress
config pmd_order=3 frames=64 thp=always
1 T0 mmap 0..8 rw private anon
2 T0 madvise 0..8 NOHUGEPAGE
3 T0 madvise 0..8 POPULATE_WRITE
4 T0 madvise 0..8 HUGEPAGE
5 T0 write 3
6 T0 fork T1
7 KHUGEPAGED scan T0
8 T0 write 3
9 T1 read 3
10 T0 read 3
