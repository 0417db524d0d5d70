# mmfarm scenario 1
# title: mremap() moves the entry of a huge page of a file, or leaves its pages to faults
# category: khugepaged
# expect: clean
# origin: seed:khugepaged
config pmd_order=3 frames=64 thp=madvise
1 T0 memfd f0 8
2 T0 pwrite f0 5
3 T0 mmap 0..8 rw shared f0
4 T0 madvise 0..8 COLLAPSE
5 T0 read 5
6 T0 mremap 0..8 to 16
7 T0 read 21
8 T0 mremap 16..24 to 33
9 T0 read 38
10 T0 write 34
11 T0 pread f0 1
