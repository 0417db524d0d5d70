# mmfarm scenario 1
# title: the tail of a VMA grows up to the next mapping and merges
# category: mremap
# expect: clean
# origin: seed:mremap_test
config pmd_order=3 frames=64
1 T0 mmap 0..12 rw private anon
2 T0 munmap 6..8
3 T0 mremap 4..6 to 4..8
4 T0 write 7
