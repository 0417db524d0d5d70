# mmfarm scenario 1
# title: mremap() moves the pages, and the old range is gone
# category: mremap
# expect: clean
# origin: seed:mremap_test
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 1
3 T0 mremap 0..4 to 16
4 T0 read 17
5 T0 pagemap 17
6 T0 read 1
