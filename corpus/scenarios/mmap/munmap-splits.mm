# mmfarm scenario 1
# title: munmap() inside a mapping leaves its two ends
# category: mmap
# expect: clean
# origin: seed:mmap
config pmd_order=3 frames=64
1 T0 mmap 0..8 rw private anon
2 T0 write 0
3 T0 write 3
4 T0 write 7
5 T0 munmap 2..6
6 T0 read 0
7 T0 read 3
8 T0 read 7
