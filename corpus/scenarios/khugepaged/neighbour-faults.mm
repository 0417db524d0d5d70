# mmfarm scenario 1
# title: faults in another mapping go on while a collapse copies
# category: khugepaged
# expect: clean
# origin: seed:transhuge-stress
config pmd_order=3 frames=64 thp=madvise
1 T0 mmap 0..16 rw private anon
2 T0 mprotect 8..16 rwx
3 T0 write 3
4 T0 madvise 0..8 COLLAPSE
5 T1 write 9
6 T0 read 9
7 T0 read 3
@4 collapse_huge_page_copy:copy_word#1 -> T1
