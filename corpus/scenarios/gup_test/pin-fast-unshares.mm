# mmfarm scenario 1
# title: pin_user_pages_fast() does not take a page that a child shares
# category: gup_test
# requires: gup_test
# expect: clean
# origin: seed:cow
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 1
3 T0 fork T1
4 T1 pin_fast p0 1 r
5 T1 write 1
6 T1 dma_read p0
7 T0 read 1
