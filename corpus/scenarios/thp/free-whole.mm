# mmfarm scenario 1
# title: MADV_FREE of a whole huge page leaves its entry clean
# category: thp
# expect: clean
# origin: seed:transhuge-stress
config pmd_order=3 frames=64 thp=always
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 T0 madvise 0..8 FREE
4 T0 read 3
5 T0 write 4
6 T0 read 3
7 T0 read 4
