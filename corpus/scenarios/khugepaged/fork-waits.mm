# mmfarm scenario 1
# title: fork() waits for a collapse
# category: khugepaged
# expect: clean
# origin: seed:transhuge-stress
config pmd_order=3 frames=64 thp=madvise
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 T0 madvise 0..8 COLLAPSE
4 T1 fork T2
5 T2 read 3
6 T1 write 3
7 T2 read 3
@3 collapse_huge_page:set_lock#1 -> T1
