# mmfarm scenario 1
# title: a move between equal offsets takes page tables whole where nothing lies before
# category: mremap
# expect: clean
# origin: seed:mremap_test
config pmd_order=3 frames=64
1 T0 mmap 4..16 rw private anon
2 T0 write 5
3 T0 write 9
4 T0 mremap 4..16 to 36
5 T0 read 37
6 T0 read 41
7 T0 read 5
