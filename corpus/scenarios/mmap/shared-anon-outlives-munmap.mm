# mmfarm scenario 1
# title: shared anonymous memory lives as long as one process maps it
# category: mmap
# expect: clean
# origin: seed:mmap
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw shared anon
2 T0 write 1
3 T0 fork T1
4 T0 munmap 0..4
5 T0 mmap 0..4 rw shared anon
6 T0 read 1
7 T1 read 1
