# mmfarm scenario 1
# title: a pinned page is not collapsed: EAGAIN, and the page table comes back
# category: khugepaged
# requires: gup_test
# expect: clean
# origin: seed:transhuge-stress
config pmd_order=3 frames=64 thp=madvise
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 T0 pin p0 3 w
4 T0 madvise 0..8 COLLAPSE
5 T0 dma_write p0
6 T0 read 3
7 T0 unpin p0
8 T0 madvise 0..8 COLLAPSE
9 T0 read 3
