# mmfarm scenario 1
# title: mremap() of a part leaves the rest of the range shared with the child
# category: cow
# expect: clean
# origin: seed:cow
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 0
3 T0 write 3
4 T0 fork T1
5 T0 mremap 2..4 to 16
6 T1 write 3
7 T1 write 0
8 T0 read 17
9 T0 read 0
