# mmfarm scenario 1
# title: a page in a pipe is still the process's own after mremap()
# category: gup_test
# expect: clean
# origin: seed:cow
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 1
3 T0 vmsplice p0 1
4 T0 mremap 0..4 to 16
5 T0 write 17.1
6 T0 pipe_read p0.1
7 T0 pagemap 17
