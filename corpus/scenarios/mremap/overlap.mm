# mmfarm scenario 1
# title: source and destination of mremap() may not overlap
# category: mremap
# expect: clean
# origin: seed:mremap_test
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 1
3 T0 mremap 0..4 to 2
4 T0 mremap 0..4 to 0 dontunmap
5 T0 read 1
