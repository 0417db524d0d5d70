# mmfarm scenario 1
# title: a punched hole reads as zeroes, and private copies of its pages stay
# category: memfd
# expect: clean
# origin: seed:punch_hole_keeps_private_copies
config pmd_order=3 frames=64
1 T0 memfd f0 4
2 T0 pwrite f0 1
3 T0 mmap 0..4 rw shared f0
4 T0 mmap 8..12 rw private f0
5 T0 read 1
6 T0 write 9.1
7 T0 fallocate f0 1 1 punch-hole
8 T0 read 1
9 T0 read 9
10 T0 read 9.1
11 T0 pread f0 1
12 T0 fstat f0 blocks
