# mmfarm scenario 1
# title: an aligned move of a whole page table carries every entry
# category: mremap
# expect: clean
# origin: seed:mremap_test
config pmd_order=3 frames=64
1 T0 mmap 0..8 rw private anon
2 T0 write 0
3 T0 write 7
4 T0 mremap 0..8 to 16
5 T0 read 16
6 T0 read 23
7 T0 pagemap 17
