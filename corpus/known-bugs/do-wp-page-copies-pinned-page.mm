# mmfarm scenario 1
# title: a write fault replaces a page that is pinned
# category: cow
# requires: gup_test
# expect: pin wp_page_copy anon
# origin: seed:do-wp-page-copies-pinned-page
config pmd_order=3 frames=64 bug=do-wp-page-copies-pinned-page
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 T0 fork T1
4 T1 exit
5 T0 pin p0 3 r
6 T0 write 3
7 T0 dma_read p0
