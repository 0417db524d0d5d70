# mmfarm scenario 1
# title: MADV_DONTNEED of a part of a huge page drops no more than that
# category: thp
# expect: clean
# origin: seed:transhuge-stress
config pmd_order=9 frames=4096 pages=1024 thp=madvise
1 T0 mmap 0..512 rw private anon
2 T0 madvise 0..512 HUGEPAGE
3 T0 write 3
4 T0 write 100
5 T0 madvise 0..64 DONTNEED
6 T0 mincore 0..64
7 T0 read 100
8 T0 read 3
9 T0 pagemap 100
