# mmfarm scenario 1
# title: MAP_FIXED_NOREPLACE fits exactly between two mappings
# category: mmap
# expect: clean
# origin: seed:map_fixed_noreplace
config pmd_order=3 frames=64
1 T0 mmap 0..4 r private anon
2 T0 mmap 8..12 r private anon
3 T0 mmap 4..8 rw private anon noreplace
4 T0 write 7
