# mmfarm scenario 1
# title: MADV_DONTNEED brings the file back under a copied page
# category: cow
# expect: clean
# origin: seed:cow
config pmd_order=3 frames=64
1 T0 memfd f0 4
2 T0 pwrite f0 1
3 T0 mmap 0..4 rw private f0
4 T0 write 1
5 T0 madvise 0..4 DONTNEED
6 T0 pagemap 1
7 T0 read 1
8 T0 pagemap 1
