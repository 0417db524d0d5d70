# mmfarm scenario 1
# title: MADV_WIPEONFORK holds for the grandchild too
# category: process_madv
# expect: clean
# origin: seed:process_madv
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 madvise 0..4 WIPEONFORK
3 T0 fork T1
4 T1 write 1
5 T1 fork T2
6 T2 read 1
7 T1 read 1
