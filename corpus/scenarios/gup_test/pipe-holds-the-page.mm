# mmfarm scenario 1
# title: a pipe holds the page itself, and shows what is stored to it later
# category: gup_test
# expect: clean
# origin: seed:cow
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 1
3 T0 vmsplice p0 1
4 T0 write 1.1
5 T0 pipe_read p0.1
