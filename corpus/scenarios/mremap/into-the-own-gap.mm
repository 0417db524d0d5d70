# mmfarm scenario 1
# title: a mapping can move down into the hole it borders on
# category: mremap
# expect: clean
# origin: seed:mremap_test
config pmd_order=3 frames=64
1 T0 mmap 4..8 rw private anon
2 T0 write 5
3 T0 mremap 4..8 to 0
4 T0 read 1
5 T0 mremap 0..2 to 4
6 T0 read 5
