# mmfarm scenario 1
# title: MAP_POPULATE brings in pages of writable and the zero page of read-only memory
# category: mmap
# expect: clean
# origin: seed:map_populate
config pmd_order=3 frames=64
1 T0 mmap 0..2 rw private anon populate
2 T0 mmap 4..6 r private anon populate
3 T0 mmap 8..10 none private anon populate
4 T0 pagemap 1
5 T0 pagemap 5
6 T0 pagemap 9
