# mmfarm scenario 1
# title: moving the middle of a VMA leaves two others
# category: mremap
# expect: clean
# origin: seed:mremap_test
config pmd_order=3 frames=64
1 T0 mmap 0..8 rw private anon
2 T0 write 0
3 T0 write 3
4 T0 write 7
5 T0 mremap 2..6 to 16
6 T0 read 17
7 T0 read 0
8 T0 read 7
