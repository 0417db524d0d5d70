# mmfarm scenario 1
# title: the same on a real machine: 511 pages are no huge page
# category: khugepaged
# expect: clean
# origin: seed:transhuge-stress
config pmd_order=9 frames=4096 pages=1024 thp=madvise
1 T0 mmap 0..1024 rw private anon
2 T0 write 3
3 T0 madvise 1..513 COLLAPSE
4 T0 mincore 0..512
5 T0 read 3
