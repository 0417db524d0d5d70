# mmfarm scenario 1
# title: a page whose sharer is gone is pinned and stored to in place
# category: gup_test
# requires: gup_test
# expect: clean
# origin: seed:do-wp-page-copies-pinned-page
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 1
3 T0 fork T1
4 T1 exit
5 T0 pin p0 1 r
6 T0 write 1
7 T0 dma_read p0
