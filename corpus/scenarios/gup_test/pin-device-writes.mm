# mmfarm scenario 1
# title: the process sees what a device stores to a page pinned for writing
# category: gup_test
# requires: gup_test
# expect: clean
# origin: seed:gup_test
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 1
3 T0 pin p0 1 w
4 T0 dma_write p0
5 T0 read 1
6 T0 unpin p0
7 T0 read 1
