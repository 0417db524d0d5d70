# mmfarm scenario 1
# title: an aligned move to a destination with a page table moves entry by entry
# category: mremap
# expect: clean
# origin: seed:mremap_test
config pmd_order=3 frames=64
1 T0 mmap 0..16 rw private anon
2 T0 write 1
3 T0 write 12
4 T0 munmap 12..16
5 T0 mmap 32..40 rw private anon
6 T0 write 33
7 T0 mremap 0..8 to 32
8 T0 read 33
