# mmfarm scenario 1
# title: a pinned page moves with its mapping
# category: gup_test
# requires: gup_test
# expect: clean
# origin: seed:cow
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 1
3 T0 pin p0 1 w
4 T0 mremap 0..4 to 16
5 T0 dma_write p0
6 T0 read 17
7 T0 write 17
8 T0 dma_read p0
