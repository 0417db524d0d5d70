# mmfarm scenario 1
# title: a memory file is huge for all who map it; private copies stay where they are
# category: khugepaged
# expect: clean
# origin: seed:khugepaged
config pmd_order=3 frames=64 thp=madvise
1 T0 memfd f0 8
2 T0 pwrite f0 2
3 T0 mmap 0..8 rw shared f0
4 T0 read 2
5 T0 mmap 8..16 rw private f0
6 T0 write 10
7 T0 fork T1
8 T1 read 2
9 T1 madvise 0..8 COLLAPSE
10 T0 read 2
11 T0 read 10
12 T0 write 3
13 T1 read 3
14 T0 read 11
