# mmfarm scenario 1
# title: MADV_COLLAPSE of two huge pages, of which the second has no page table
# category: khugepaged
# expect: clean
# origin: seed:transhuge-stress
config pmd_order=9 frames=4096 pages=1024 thp=madvise
1 T0 mmap 0..1024 rw private anon
2 T0 write 3
3 T0 madvise 0..1024 COLLAPSE
4 T0 mincore 0..512
5 T0 mincore 512..1024
6 T0 read 3
