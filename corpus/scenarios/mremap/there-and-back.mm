# mmfarm scenario 1
# title: pages that come back to where they were merge with their neighbours again
# category: mremap
# expect: clean
# origin: seed:merge
config pmd_order=3 frames=64
1 T0 mmap 0..6 rw private anon
2 T0 write 0
3 T0 write 3
4 T0 mremap 2..4 to 16
5 T0 mremap 16..18 to 2
6 T0 read 3
7 T0 read 0
