# mmfarm scenario 1
# title: clearing the young bits takes no page and no data away
# category: pagemap
# expect: clean
# origin: seed:pagemap_ioctl
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 1
3 T0 read 2
4 T0 clear_refs young
5 T0 pagemap 1
6 T0 pagemap 2
7 T0 read 1
8 T0 write 1.1
9 T0 read 1.1
