# mmfarm scenario 1
# title: a memory file that ends within a huge page keeps the pages before, and no data behind
# category: khugepaged
# expect: clean
# origin: seed:khugepaged
config pmd_order=3 frames=64 thp=madvise
1 T0 memfd f0 8
2 T0 pwrite f0.1 2
3 T0 pwrite f0.3 2
4 T0 mmap 0..8 rw shared f0
5 T0 madvise 0..8 COLLAPSE
6 T0 write 6
7 T0 ftruncate f0.2 2
8 T0 fstat f0 blocks
9 T0 read 2.1
10 T0 read 2.3
11 T0 read 3
12 T0 ftruncate f0 8
13 T0 read 6
