# mmfarm scenario 1
# title: MADV_DONTFORK leaves a hole in the child
# category: process_madv
# expect: clean
# origin: seed:process_madv
config pmd_order=3 frames=64
1 T0 mmap 0..6 rw private anon
2 T0 write 1
3 T0 write 3
4 T0 madvise 2..4 DONTFORK
5 T0 fork T1
6 T1 read 3
7 T1 read 1
8 T1 mmap 2..4 rw private anon
9 T0 read 3
