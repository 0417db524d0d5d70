# mmfarm scenario 1
# title: a pipe of the child does not show what the parent stores later
# category: cow
# expect: clean
# origin: seed:cow
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 1
3 T0 fork T1
4 T1 vmsplice p0 1
5 T1 munmap 0..4
6 T0 write 1
7 T1 pipe_read p0
