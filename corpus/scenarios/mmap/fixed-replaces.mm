# mmfarm scenario 1
# title: MAP_FIXED replaces what is mapped, and new memory reads as zeroes
# category: mmap
# expect: clean
# origin: seed:map_fixed_noreplace
config pmd_order=3 frames=64
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 T0 write 5
4 T0 mmap 2..4 r private anon
5 T0 read 3
6 T0 write 3
7 T0 read 5
