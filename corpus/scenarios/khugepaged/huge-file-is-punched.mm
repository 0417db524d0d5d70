# mmfarm scenario 1
# title: a hole in a huge page of a memory file splits it, and its pages go
# category: khugepaged
# expect: clean
# origin: seed:khugepaged
config pmd_order=3 frames=64 thp=madvise
1 T0 memfd f0 8
2 T0 pwrite f0 1
3 T0 pwrite f0 3
4 T0 mmap 0..8 rw shared f0
5 T0 madvise 0..8 COLLAPSE
6 T0 fallocate f0 2 3 punch-hole
7 T0 fstat f0 blocks
8 T0 lseek f0 2 data
9 T0 read 1
10 T0 read 3
