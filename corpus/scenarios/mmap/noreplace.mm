# mmfarm scenario 1
# title: MAP_FIXED_NOREPLACE is refused where it overlaps a mapping at all
# category: mmap
# expect: clean
# origin: seed:map_fixed_noreplace
config pmd_order=3 frames=64
1 T0 mmap 4..8 rw private anon
2 T0 write 5
3 T0 mmap 4..8 rw private anon noreplace
4 T0 mmap 5..6 rw private anon noreplace
5 T0 mmap 2..5 rw private anon noreplace
6 T0 mmap 7..9 rw private anon noreplace
7 T0 mmap 0..12 rw private anon noreplace
8 T0 read 5
