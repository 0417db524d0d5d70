# mmfarm scenario 1
# title: munmap() of a part of a huge page leaves the rest with its data
# category: thp
# expect: clean
# origin: seed:transhuge-stress
config pmd_order=9 frames=4096 pages=1024 thp=madvise
1 T0 mmap 0..512 rw private anon
2 T0 madvise 0..512 HUGEPAGE
3 T0 write 3
4 T0 write 500
5 T0 munmap 4..100
6 T0 read 3
7 T0 read 500
8 T0 mincore 100..512
