# mmfarm scenario 1
# title: khugepaged leaves pages that nobody has touched for long
# category: khugepaged
# requires: khugepaged
# expect: clean
# origin: seed:transhuge-stress
config pmd_order=3 frames=64 thp=always
1 T0 mmap 0..8 rw private anon
2 T0 madvise 0..8 NOHUGEPAGE
3 T0 write 3
4 T0 madvise 0..8 HUGEPAGE
5 T0 clear_refs young
6 KHUGEPAGED scan T0
7 T0 pagemap 4
8 T0 read 3
9 KHUGEPAGED scan T0
10 T0 pagemap 4
