# mmfarm scenario 1
# title: a page that is pinned while the collapse takes its locks is found out by its count
# category: khugepaged
# requires: gup_test
# expect: clean
# origin: seed:transhuge-stress
config pmd_order=3 frames=64 thp=madvise
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 T0 madvise 0..8 COLLAPSE
4 T1 pin_fast p0 3 w
5 T0 write 3
6 T1 dma_read p0
7 T1 unpin p0
@3 collapse_huge_page:collapse_flush#1 -> T1
