# mmfarm scenario 1
# title: a page in a pipe outlives its mapping and its process
# category: gup_test
# expect: clean
# origin: seed:cow
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 fork T1
3 T1 write 1
4 T1 vmsplice p0 1
5 T1 exit
6 T0 write 1
7 T0 pipe_read p0
