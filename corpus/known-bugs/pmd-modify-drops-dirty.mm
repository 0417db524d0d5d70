# mmfarm scenario 1
# title: mprotect() of a huge page forgets that it was stored to
# category: thp
# requires: swap thp
# expect: dirty-loss change_huge_pmd anon
# origin: seed:pmd-modify-drops-dirty
config pmd_order=3 frames=64 thp=always swap=8 bug=pmd-modify-drops-dirty
1 T0 mmap 0..8 rw private anon
2 T0 write 0
3 T0 madvise 0..8 FREE
4 T0 write 0
5 T0 mprotect 0..8 r
6 T0 madvise 0..8 PAGEOUT
7 T0 read 0
