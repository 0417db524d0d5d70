# mmfarm scenario 1
# title: a read fault of a file maps the pages around it that are in the page cache
# category: mmap
# expect: clean
# origin: seed:mmap
config pmd_order=3 frames=64
1 T0 memfd f0 8
2 T0 pwrite f0 2
3 T0 pwrite f0 3
4 T0 mmap 0..8 r shared f0
5 T0 read 2
6 T0 pagemap 3
7 T0 pagemap 4
