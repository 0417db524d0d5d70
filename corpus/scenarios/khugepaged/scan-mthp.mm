# mmfarm scenario 1
# title: with orders below the PMD's khugepaged makes a folio of four pages, and touches no other
# category: khugepaged
# requires: khugepaged
# expect: clean
# origin: seed:transhuge-stress
config pmd_order=3 frames=64 thp=always mthp=2 max_ptes_none=0
1 T0 mmap 0..8 rw private anon
2 T0 madvise 0..8 NOHUGEPAGE
3 T0 write 4
4 T0 write 5
5 T0 write 6
6 T0 write 7
7 T0 madvise 0..8 HUGEPAGE
8 KHUGEPAGED scan T0
9 T0 mincore 0..8
10 T0 read 5
11 T0 write 1
12 T0 mincore 0..8
