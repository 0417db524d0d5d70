# mmfarm scenario 1
# title: pagemap's exclusive bit counts mappings, and comes back when the child copies
# category: pagemap
# expect: clean
# origin: seed:pagemap_ioctl
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 1
3 T0 fork T1
4 T0 pagemap 1
5 T1 write 1
6 T0 pagemap 1
7 T1 pagemap 1
