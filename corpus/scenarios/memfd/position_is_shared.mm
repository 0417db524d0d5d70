# mmfarm scenario 1
# title: processes that share an open file share its position
# category: memfd
# expect: clean
# origin: seed:position_is_shared
config pmd_order=3 frames=64
1 T0 memfd f0 2
2 T0 lseek f0.2 0 set
3 T0 file_write f0
4 T0 fork T1
5 T1 file_write f0
6 T0 file_write f0
7 T1 lseek f0.2 0 set
8 T0 file_read f0
9 T1 file_read f0
10 T0 file_read f0
11 T0 file_read f0
12 T0 lseek f0 2 set
13 T0 file_read f0
14 T0 fstat f0 size
15 T0 file_write f0
16 T0 fstat f0 size
