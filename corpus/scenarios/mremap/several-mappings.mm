# mmfarm scenario 1
# title: a move without resize takes several mappings at once
# category: mremap
# expect: clean
# origin: seed:mremap_test
config pmd_order=3 frames=64
1 T0 mmap 0..2 rw private anon
2 T0 mmap 2..4 r private anon
3 T0 mmap 4..6 rw shared anon
4 T0 write 1
5 T0 write 5
6 T0 mremap 0..6 to 16
7 T0 read 17
8 T0 read 21
9 T0 write 18
