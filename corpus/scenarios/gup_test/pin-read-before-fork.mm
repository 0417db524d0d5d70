# mmfarm scenario 1
# title: a page pinned for reading stays the parent's own over fork()
# category: gup_test
# requires: gup_test
# expect: clean
# origin: seed:cow
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 1
3 T0 pin_fast p0 1 r
4 T0 fork T1
5 T1 write 1
6 T0 write 1
7 T0 dma_read p0
8 T1 read 1
