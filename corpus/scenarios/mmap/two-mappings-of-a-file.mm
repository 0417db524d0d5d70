# mmfarm scenario 1
# title: two mappings of one file at different offsets share pages
# category: mmap
# expect: clean
# origin: seed:mmap
config pmd_order=3 frames=64
1 T0 memfd f0 8
2 T0 mmap 0..4 rw shared f0
3 T0 mmap 8..12 rw shared f0+2
4 T0 write 3
5 T0 read 9
6 T0 write 8
7 T0 read 2
8 T0 pagemap 3
