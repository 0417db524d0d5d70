# mmfarm scenario 1
# title: MADV_COLLAPSE of pages that were only read: zeroes of one's own
# category: khugepaged
# expect: clean
# origin: seed:transhuge-stress
config pmd_order=9 frames=4096 pages=1024 thp=madvise
1 T0 mmap 0..512 rw private anon
2 T0 read 3
3 T0 madvise 0..512 COLLAPSE
4 T0 read 3
5 T0 write 3
6 T0 read 3
7 T0 mincore 0..512
