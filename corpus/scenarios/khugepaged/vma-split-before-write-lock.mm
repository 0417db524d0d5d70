# mmfarm scenario 1
# title: a mapping that is cut in two meanwhile is not collapsed: the page table is no longer its own
# category: khugepaged
# expect: clean
# origin: seed:transhuge-stress
config pmd_order=3 frames=64 thp=madvise
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 T0 madvise 0..8 COLLAPSE
4 T1 mprotect 0..4 r
5 T0 read 3
6 T0 mincore 0..8
@3 collapse_huge_page:write_lock#1 -> T1
