# mmfarm scenario 1
# title: an unaligned move over several page tables carries the data
# category: mremap
# expect: clean
# origin: seed:mremap_test
config pmd_order=3 frames=64
1 T0 mmap 4..20 rw private anon
2 T0 write 4
3 T0 write 8
4 T0 write 19
5 T0 mremap 4..20 to 33
6 T0 read 33
7 T0 read 37
8 T0 read 48
