# mmfarm scenario 1
# title: a long-term pin replaces the zero page by a page of the process's own
# category: gup_test
# requires: gup_test
# expect: clean
# origin: seed:cow
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 read 1
3 T0 pin_fast p0 1 r longterm
4 T0 write 1
5 T0 dma_read p0
6 T0 pagemap 1
