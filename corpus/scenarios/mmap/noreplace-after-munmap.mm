# mmfarm scenario 1
# title: MAP_FIXED_NOREPLACE loses against another thread's mapping and wins after its munmap()
# category: mmap
# expect: clean
# origin: seed:map_fixed_noreplace
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon noreplace
2 T1 mmap 2..6 rw private anon
3 T1 munmap 2..6
4 T0 mmap 0..4 rw private anon noreplace
@1 op:begin#1 -> T1
@2 op:end#1 -> T0
