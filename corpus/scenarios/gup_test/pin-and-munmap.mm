# mmfarm scenario 1
# title: a pinned page outlives its mapping, a new mapping has another page
# category: gup_test
# requires: gup_test
# expect: clean
# origin: seed:gup_test
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 1
3 T0 pin p0 1 w
4 T0 munmap 0..4
5 T0 mmap 0..4 rw private anon
6 T0 write 1
7 T0 dma_read p0
8 T0 dma_write p0
9 T0 read 1
