# mmfarm scenario 1
# title: a copied page of a private file mapping moves, others come from the file
# category: mremap
# expect: clean
# origin: seed:mremap_test
config pmd_order=3 frames=64
1 T0 memfd f0 4
2 T0 pwrite f0 0
3 T0 pwrite f0 1
4 T0 mmap 0..2 rw private f0
5 T0 write 1
6 T0 mremap 0..2 to 16
7 T0 read 16
8 T0 read 17
9 T0 pagemap 17
