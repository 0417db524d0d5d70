# mmfarm scenario 1
# title: MAP_NORESERVE keeps a mapping from merging with one that is charged
# category: vma_merge
# expect: clean
# origin: seed:merge
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 mmap 4..8 rw private anon noreserve
3 T0 mmap 4..8 rw private anon
