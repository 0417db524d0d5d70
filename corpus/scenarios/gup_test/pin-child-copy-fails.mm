# mmfarm scenario 1
# title: fork() fails when it has no page for the copy of a pinned one
# category: gup_test
# requires: gup_test
# expect: clean
# origin: seed:gup_test
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 1
3 T0 pin p0 1 w
4 T0 fork T1
5 T0 dma_write p0
6 T0 read 1
@4 copy_pte_range:prealloc#1 fail
