# mmfarm scenario 1
# title: MAP_FIXED with the same attributes inside a mapping leaves one mapping
# category: vma_merge
# expect: clean
# origin: seed:merge
config pmd_order=3 frames=64
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 T0 mmap 2..4 rw private anon
4 T0 read 3
