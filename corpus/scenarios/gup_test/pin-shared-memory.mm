# mmfarm scenario 1
# title: a device that pins shared memory works on the page of all processes
# category: gup_test
# requires: gup_test
# expect: clean
# origin: seed:gup_test
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw shared anon
2 T0 pin p0 1 w
3 T0 fork T1
4 T1 write 1
5 T0 dma_read p0
6 T0 dma_write p0.1
7 T1 read 1.1
