# mmfarm scenario 1
# title: vmsplice() of an untouched page takes zeroes that a later store does not change
# category: gup_test
# expect: clean
# origin: seed:cow
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 vmsplice p0 1
3 T0 pagemap 1
4 T0 write 1
5 T0 pipe_read p0
6 T0 read 1
