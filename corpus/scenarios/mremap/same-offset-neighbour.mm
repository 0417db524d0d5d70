# mmfarm scenario 1
# title: a move between equal offsets leaves a neighbour's entries in the first page table
# category: mremap
# expect: clean
# origin: seed:mremap_test
config pmd_order=3 frames=64
1 T0 mmap 0..2 r private anon
2 T0 mmap 4..16 rw private anon
3 T0 read 1
4 T0 write 5
5 T0 write 9
6 T0 mremap 4..16 to 36
7 T0 pagemap 1
8 T0 read 37
9 T0 read 41
