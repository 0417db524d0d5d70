# mmfarm scenario 1
# title: ftruncate() takes pages of mappings away, and gives zeroes back when the file grows
# category: memfd
# expect: clean
# origin: seed:truncate_cuts_mappings_off
config pmd_order=3 frames=64
1 T0 memfd f0 4
2 T0 mmap 0..4 rw shared f0
3 T0 write 1.2
4 T0 write 2
5 T0 ftruncate f0.2 1
6 T0 read 2
7 T0 read 1.2
8 T0 fstat f0 size
9 T0 fstat f0 blocks
10 T0 ftruncate f0 3
11 T0 read 1.2
12 T0 read 2
13 T0 fstat f0 size
