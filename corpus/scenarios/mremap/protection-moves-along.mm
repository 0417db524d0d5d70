# mmfarm scenario 1
# title: a moved mapping keeps its protection
# category: mremap
# expect: clean
# origin: seed:mremap_test
config pmd_order=3 frames=64
1 T0 mmap 0..2 rw private anon
2 T0 write 1
3 T0 mprotect 0..2 r
4 T0 mremap 0..2 to 16
5 T0 read 17
6 T0 write 17
