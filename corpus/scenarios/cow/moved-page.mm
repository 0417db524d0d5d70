# mmfarm scenario 1
# title: a page that mremap() has moved is still shared with the child
# category: cow
# expect: clean
# origin: seed:cow
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 1
3 T0 fork T1
4 T0 mremap 0..4 to 16
5 T0 pagemap 17
6 T0 write 17
7 T1 read 1
8 T0 read 17
