# mmfarm scenario 1
# title: a pin needs the access that the mapping allows
# category: gup_test
# requires: gup_test
# expect: clean
# origin: seed:gup_test
config pmd_order=3 frames=64
1 T0 mmap 0..2 r private anon
2 T0 mmap 2..4 none private anon
3 T0 pin p0 1 w
4 T0 pin p0 3 r
5 T0 pin p0 5 r
6 T0 pin p0 1 r
7 T0 dma_write p0
8 T0 dma_read p0
