# mmfarm scenario 1
# title: the file bit goes when a private file mapping gets its own copy
# category: pagemap
# expect: clean
# origin: seed:pagemap_ioctl
config pmd_order=3 frames=64
1 T0 memfd f0 2
2 T0 pwrite f0 0
3 T0 mmap 0..2 rw private f0
4 T0 read 0
5 T0 pagemap 0
6 T0 fork T1
7 T0 pagemap 0
8 T1 read 0
9 T0 pagemap 0
10 T1 write 0
11 T0 pagemap 0
12 T1 pagemap 0
