# mmfarm scenario 1
# title: mremap() moves to a place where the mapping is larger
# category: mremap
# expect: clean
# origin: seed:mremap_test
config pmd_order=3 frames=64
1 T0 mmap 0..2 rw private anon
2 T0 write 1
3 T0 mremap 0..2 to 16..20
4 T0 read 17
5 T0 read 19
