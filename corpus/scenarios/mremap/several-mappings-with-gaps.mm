# mmfarm scenario 1
# title: mappings that move together keep their gaps, where nothing is unmapped
# category: mremap
# expect: clean
# origin: seed:mremap_test
config pmd_order=3 frames=64
1 T0 mmap 0..2 rw private anon
2 T0 mmap 4..6 rw private anon
3 T0 mmap 18..19 r private anon
4 T0 write 5
5 T0 mremap 0..6 to 16
6 T0 read 21
