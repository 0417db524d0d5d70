# mmfarm scenario 1
# title: memory of a huge page is free again after MADV_DONTNEED
# category: thp
# expect: clean
# origin: seed:transhuge-stress
config pmd_order=3 frames=16 thp=always
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 T0 madvise 0..8 DONTNEED
4 T0 write 4
5 T0 read 3
6 T0 read 4
7 T0 mincore 0..8
