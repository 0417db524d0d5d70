# mmfarm scenario 1
# title: MAP_POPULATE of a writable private file mapping copies it page by page
# category: mmap
# expect: clean
# origin: seed:map_populate
config pmd_order=3 frames=64
1 T0 memfd f0 2
2 T0 pwrite f0 1
3 T0 mmap 0..2 rw private f0 populate
4 T0 pagemap 1
5 T0 pwrite f0 1
6 T0 read 1
