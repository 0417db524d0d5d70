# mmfarm scenario 1
# title: a forced write copies a page that is shared with the child
# category: gup_test
# expect: clean
# origin: seed:gup_test
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 1
3 T0 mprotect 0..4 r
4 T0 fork T1
5 T1 mem_write 1
6 T1 read 1
7 T0 read 1
8 T0 pagemap 1
