# mmfarm scenario 1
# title: a first store to a private file mapping copies the page cache
# category: cow
# expect: clean
# origin: seed:cow
config pmd_order=3 frames=64
1 T0 memfd f0 4
2 T0 pwrite f0 1
3 T0 mmap 0..4 rw private f0
4 T0 write 1.3
5 T0 read 1
6 T0 read 1.3
7 T0 pread f0.3 1
8 T0 pagemap 1
