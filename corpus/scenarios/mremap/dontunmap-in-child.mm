# mmfarm scenario 1
# title: what a child moves away with MREMAP_DONTUNMAP stays with the parent
# category: mremap
# expect: clean
# origin: seed:mremap_dontunmap
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 1
3 T0 fork T1
4 T1 mremap 0..4 to 16 dontunmap
5 T1 read 1
6 T1 read 17
7 T1 write 17
8 T0 read 1
