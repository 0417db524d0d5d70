# mmfarm scenario 1
# title: fork() copies a pinned page for the child at once
# category: gup_test
# requires: gup_test
# expect: clean
# origin: seed:cow
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 1
3 T0 pin p0 1 w
4 T0 fork T1
5 T0 pagemap 1
6 T1 pagemap 1
7 T0 write 1
8 T0 dma_read p0
9 T1 read 1
10 T0 dma_write p0.1
11 T0 read 1.1
12 T1 read 1.1
