# mmfarm scenario 1
# title: a move of several mappings may not begin with a gap
# category: mremap
# expect: clean
# origin: seed:mremap_test
config pmd_order=3 frames=64
1 T0 mmap 2..4 rw private anon
2 T0 write 3
3 T0 mremap 0..4 to 16
4 T0 read 3
