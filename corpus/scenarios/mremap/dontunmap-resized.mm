# mmfarm scenario 1
# title: MREMAP_DONTUNMAP does not resize
# category: mremap
# expect: clean
# origin: seed:mremap_dontunmap
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 1
3 T0 mremap 0..4 to 16..24 dontunmap
4 T0 mremap 0..4 to 16..18 dontunmap
5 T0 read 1
