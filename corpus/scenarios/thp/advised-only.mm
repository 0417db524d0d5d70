# mmfarm scenario 1
# title: with thp=madvise only memory that MADV_HUGEPAGE names gets huge pages
# category: thp
# expect: clean
# origin: seed:transhuge-stress
config pmd_order=3 frames=64 thp=madvise
1 T0 mmap 0..16 rw private anon
2 T0 madvise 8..16 HUGEPAGE
3 T0 write 3
4 T0 write 11
5 T0 mincore 0..8
6 T0 mincore 8..16
7 T0 madvise 8..16 NOHUGEPAGE
8 T0 madvise 8..16 DONTNEED
9 T0 write 11
10 T0 mincore 8..16
