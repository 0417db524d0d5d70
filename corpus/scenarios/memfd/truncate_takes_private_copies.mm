# mmfarm scenario 1
# title: ftruncate() takes private copies of pages behind the new end along
# category: memfd
# expect: clean
# origin: seed:truncate_takes_private_copies
config pmd_order=3 frames=64
1 T0 memfd f0 4
2 T0 pwrite f0 1
3 T0 mmap 0..4 rw private f0
4 T0 write 1
5 T0 write 0
6 T0 ftruncate f0 1
7 T0 read 1
8 T0 read 0
9 T0 ftruncate f0 4
10 T0 read 1
11 T0 pagemap 1
