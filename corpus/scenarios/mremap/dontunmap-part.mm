# mmfarm scenario 1
# title: MREMAP_DONTUNMAP of a part keeps the whole source mapping
# category: mremap
# expect: clean
# origin: seed:mremap_dontunmap
config pmd_order=3 frames=64
1 T0 mmap 0..6 rw private anon
2 T0 write 1
3 T0 write 3
4 T0 mremap 2..4 to 16 dontunmap
5 T0 read 17
6 T0 read 1
7 T0 read 3
