# mmfarm scenario 1
# title: MADV_COLLAPSE makes one huge page of a memory file, with its holes filled
# category: khugepaged
# expect: clean
# origin: seed:khugepaged
config pmd_order=3 frames=64 thp=madvise
1 T0 memfd f0 8
2 T0 pwrite f0 1
3 T0 pwrite f0.2 5
4 T0 mmap 0..8 rw shared f0
5 T0 madvise 0..8 COLLAPSE
6 T0 read 1
7 T0 read 5.2
8 T0 read 7
9 T0 fstat f0 blocks
10 T0 lseek f0 0 hole
11 T0 mincore 0..8
12 T0 write 6
13 T0 pread f0 6
14 T0 pagemap 3
