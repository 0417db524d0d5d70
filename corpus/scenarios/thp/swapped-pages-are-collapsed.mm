# mmfarm scenario 1
# title: khugepaged reads what is in swap for a huge page
# category: thp
# requires: swap thp
# expect: clean
# origin: seed:khugepaged
config pmd_order=3 frames=64 thp=madvise swap=8
1 T0 mmap 0..8 rw private anon
2 T0 madvise 0..8 NOHUGEPAGE
3 T0 madvise 0..8 POPULATE_WRITE
4 T0 write 3
5 T0 madvise 3..4 PAGEOUT
6 T0 madvise 0..8 HUGEPAGE
7 T0 madvise 0..8 COLLAPSE
8 T0 read 3
9 T0 pagemap 3
