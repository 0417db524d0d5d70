# mmfarm scenario 1
# title: clear_refs leaves a page writable that a device may write
# category: soft_dirty
# requires: soft-dirty gup_test
# expect: clean
# origin: seed:clear-refs-wrprotect-pinned
config pmd_order=3 frames=64
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 T0 pin p0 3 w
4 T0 clear_refs soft-dirty
5 T0 pagemap 3
6 T0 write 3
7 T0 dma_read p0
