# mmfarm scenario 1
# title: mincore() counts pages of a file that only the page cache has
# category: mmap
# expect: clean
# origin: seed:mincore
config pmd_order=3 frames=64
1 T0 memfd f0 8
2 T0 pwrite f0 2
3 T0 pwrite f0 12
4 T0 mmap 0..16 r private f0
5 T0 mincore 0..16
6 T0 read 4
7 T0 mincore 0..16
