# mmfarm scenario 1
# title: what fallocate() has allocated counts in blocks, and is a hole until it is used
# category: memfd
# expect: clean
# origin: seed:fallocate_is_a_hole_until_used
config pmd_order=3 frames=64
1 T0 memfd f0 4
2 T0 fallocate f0 1 2 keep-size
3 T0 fstat f0 blocks
4 T0 lseek f0 0 data
5 T0 mmap 0..4 rw shared f0
6 T0 mincore 0..4
7 T0 read 1
8 T0 lseek f0 0 data
9 T0 lseek f0 1 hole
10 T0 mincore 0..4
11 T0 fallocate f0 3 3 allocate
12 T0 fstat f0 size
13 T0 fstat f0 blocks
