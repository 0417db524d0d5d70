# mmfarm scenario 1
# title: khugepaged collapses what is at least one page full
# category: khugepaged
# requires: khugepaged
# expect: clean
# origin: seed:transhuge-stress
config pmd_order=3 frames=64 thp=always
1 T0 mmap 0..8 rw private anon
2 T0 madvise 0..8 NOHUGEPAGE
3 T0 write 3
4 T0 madvise 0..8 HUGEPAGE
5 KHUGEPAGED scan T0
6 T0 mincore 0..8
7 T0 read 3
