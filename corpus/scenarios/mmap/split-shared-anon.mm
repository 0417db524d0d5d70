# mmfarm scenario 1
# title: the two halves of a split shared mapping are one piece of memory
# category: mmap
# expect: clean
# origin: seed:mmap
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw shared anon
2 T0 mprotect 2..4 r
3 T0 fork T1
4 T1 write 3
5 T1 mprotect 2..4 rw
6 T1 write 3
7 T0 read 3
