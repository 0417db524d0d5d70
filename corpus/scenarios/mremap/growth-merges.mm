# mmfarm scenario 1
# title: a mapping that grows up to the next one merges with it
# category: mremap
# expect: clean
# origin: seed:mremap_test
config pmd_order=3 frames=64
1 T0 mmap 0..12 rw private anon
2 T0 write 1
3 T0 munmap 4..8
4 T0 mremap 0..4 to 0..8
5 T0 read 1
