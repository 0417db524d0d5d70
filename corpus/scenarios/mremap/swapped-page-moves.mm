# mmfarm scenario 1
# title: mremap() moves a page that is in swap
# category: mremap
# requires: swap
# expect: clean
# origin: seed:mremap_test
config pmd_order=3 frames=64 swap=8
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 T0 madvise 0..8 PAGEOUT
4 T0 mremap 0..8 to 16
5 T0 read 19
6 T0 read 3
