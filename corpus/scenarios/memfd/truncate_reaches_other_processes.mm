# mmfarm scenario 1
# title: ftruncate() takes pages away from every process that maps them
# category: memfd
# expect: clean
# origin: seed:truncate_reaches_other_processes
config pmd_order=3 frames=64
1 T0 memfd f0 4
2 T0 mmap 0..4 rw shared f0
3 T0 write 2
4 T0 fork T1
5 T1 read 2
6 T1 mmap 8..12 rw private f0
7 T1 write 10
8 T0 ftruncate f0 1
9 T1 read 2
10 T1 read 10
11 T1 read 0
12 T0 read 2
