# mmfarm scenario 1
# title: MADV_COLD of a part of a huge page splits it
# category: thp
# expect: clean
# origin: seed:transhuge-stress
config pmd_order=3 frames=64 thp=always
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 T0 madvise 2..4 COLD
4 T0 read 3
5 T0 read 7
6 T0 mincore 0..8
