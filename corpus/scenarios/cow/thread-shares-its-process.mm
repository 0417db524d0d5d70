# mmfarm scenario 1
# title: a thread sees the stores of its process, the child does not
# category: cow
# expect: clean
# origin: seed:cow
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 1
3 T0 fork T2
4 T1 write 1
5 T0 read 1
6 T2 read 1
7 T2 write 1
8 T1 read 1
