# mmfarm scenario 1
# title: the mapping is gone when a collapse comes back with its lock
# category: khugepaged
# expect: clean
# origin: seed:transhuge-stress
config pmd_order=3 frames=64 thp=madvise
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 T0 madvise 0..8 COLLAPSE
4 T1 munmap 0..8
5 T0 read 3
@3 collapse_huge_page:write_lock#1 -> T1
