# mmfarm scenario 1
# title: a store while the young bit is cleared is not lost
# category: pagemap
# expect: clean
# origin: seed:pagemap_ioctl
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 1
3 T0 clear_refs young
4 T1 write 1.1
5 T0 read 1.1
6 T0 madvise 0..4 FREE
7 T0 read 1
@3 ptep_test_and_clear_young:clear#1 -> T1
