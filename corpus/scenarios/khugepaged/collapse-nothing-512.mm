# mmfarm scenario 1
# title: MADV_COLLAPSE where no page table is: EINVAL
# category: khugepaged
# expect: clean
# origin: seed:transhuge-stress
config pmd_order=9 frames=4096 pages=1024 thp=madvise
1 T0 mmap 0..512 rw private anon
2 T0 madvise 0..512 COLLAPSE
3 T0 write 0
4 T0 madvise 0..512 DONTNEED
5 T0 madvise 0..512 COLLAPSE
6 T0 mincore 0..512
