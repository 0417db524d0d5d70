# mmfarm scenario 1
# title: a page pinned for reading shows the process's later stores to the device
# category: gup_test
# requires: gup_test
# expect: clean
# origin: seed:cow
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 1
3 T0 pin p0 1 r
4 T0 write 1
5 T0 dma_read p0
6 T0 unpin p0
