# mmfarm scenario 1
# title: MADV_HUGEPAGE on a range of 512 pages: one store makes all of them resident
# category: thp
# expect: clean
# origin: seed:transhuge-stress
config pmd_order=9 frames=4096 pages=1024 thp=madvise
1 T0 mmap 0..1024 rw private anon
2 T0 madvise 0..512 HUGEPAGE
3 T0 write 3
4 T0 mincore 0..512
5 T0 read 3
6 T0 read 511
7 T0 write 600
8 T0 mincore 512..1024
9 T0 pagemap 511
10 T0 pagemap 512
