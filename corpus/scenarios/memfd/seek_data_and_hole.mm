# mmfarm scenario 1
# title: lseek() finds data and holes by pages, and the end of the file is one
# category: memfd
# expect: clean
# origin: seed:seek_data_and_hole
config pmd_order=3 frames=64
1 T0 memfd f0 6
2 T0 pwrite f0.3 1
3 T0 pwrite f0 4
4 T0 lseek f0.1 0 data
5 T0 lseek f0.2 1 data
6 T0 lseek f0.2 1 hole
7 T0 lseek f0 2 data
8 T0 lseek f0 2 hole
9 T0 lseek f0 4 hole
10 T0 lseek f0 5 data
11 T0 lseek f0 5 hole
12 T0 lseek f0 6 hole
13 T0 fallocate f0 0 2 punch-hole
14 T0 lseek f0 0 data
