# mmfarm scenario 1
# title: a pin for reading gives the process its own page when a child shares it
# category: gup_test
# requires: gup_test
# expect: clean
# origin: seed:cow
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 1
3 T0 fork T1
4 T0 pin p0 1 r
5 T0 pagemap 1
6 T0 write 1
7 T0 dma_read p0
8 T1 read 1
