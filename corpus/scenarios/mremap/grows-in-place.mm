# mmfarm scenario 1
# title: mremap() grows a mapping in place where nothing follows
# category: mremap
# expect: clean
# origin: seed:mremap_test
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 3
3 T0 mremap 0..4 to 0..8
4 T0 read 3
5 T0 read 7
6 T0 write 7
