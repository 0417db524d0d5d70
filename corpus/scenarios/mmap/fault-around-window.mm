# mmfarm scenario 1
# title: fault-around stays within the aligned 16 pages of the fault
# category: mmap
# expect: clean
# origin: seed:mmap
config pmd_order=9 frames=256 pages=640
1 T0 memfd f0 64
2 T0 pwrite f0 12
3 T0 pwrite f0 13
4 T0 pwrite f0 20
5 T0 pwrite f0 28
6 T0 pwrite f0 29
7 T0 mmap 3..60 r shared f0
8 T0 read 23
9 T0 pagemap 15
10 T0 pagemap 16
11 T0 pagemap 31
12 T0 pagemap 32
