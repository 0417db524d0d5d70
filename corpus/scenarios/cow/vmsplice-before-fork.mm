# mmfarm scenario 1
# title: a pipe filled before fork() does not show the child's stores
# category: cow
# expect: clean
# origin: seed:cow
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 1
3 T0 vmsplice p0 1
4 T0 fork T1
5 T0 munmap 0..4
6 T1 write 1
7 T0 pipe_read p0
8 T1 read 1
