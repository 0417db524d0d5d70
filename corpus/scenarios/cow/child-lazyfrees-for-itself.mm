# mmfarm scenario 1
# title: MADV_FREE of a page that is shared after fork() frees it for nobody
# category: cow
# expect: clean
# origin: seed:cow
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 1
3 T0 fork T1
4 T1 madvise 0..4 FREE
5 T1 read 1
6 T0 write 1
7 T1 read 1
