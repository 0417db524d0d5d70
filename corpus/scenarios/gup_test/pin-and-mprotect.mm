# mmfarm scenario 1
# title: mprotect() to read-only and back keeps a pinned page in place
# category: gup_test
# requires: gup_test
# expect: clean
# origin: seed:cow
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 1
3 T0 pin p0 1 w
4 T0 mprotect 0..4 r
5 T0 dma_write p0
6 T0 read 1
7 T0 mprotect 0..4 rw
8 T0 write 1
9 T0 dma_read p0
