# mmfarm scenario 1
# title: MREMAP_FIXED unmaps what was at the destination
# category: mremap
# expect: clean
# origin: seed:mremap_test
config pmd_order=3 frames=64
1 T0 mmap 0..2 rw private anon
2 T0 mmap 16..20 rw private anon
3 T0 write 1
4 T0 write 17
5 T0 write 18
6 T0 mremap 0..2 to 16
7 T0 read 17
8 T0 read 18
