# mmfarm scenario 1
# title: MADV_COLLAPSE of a huge page succeeds at once
# category: khugepaged
# expect: clean
# origin: seed:transhuge-stress
config pmd_order=9 frames=4096 pages=1024 thp=madvise
1 T0 mmap 0..512 rw private anon
2 T0 madvise 0..512 HUGEPAGE
3 T0 write 3
4 T0 madvise 0..512 COLLAPSE
5 T0 read 3
6 T0 mincore 0..512
