# mmfarm scenario 1
# title: a huge page moves in one piece, and its data with it
# category: thp
# expect: clean
# origin: seed:transhuge-stress
config pmd_order=9 frames=4096 pages=1536 thp=madvise
1 T0 mmap 0..512 rw private anon
2 T0 madvise 0..512 HUGEPAGE
3 T0 write 3
4 T0 mremap 0..512 to 1024
5 T0 read 1027
6 T0 mincore 1024..1536
7 T0 read 3
