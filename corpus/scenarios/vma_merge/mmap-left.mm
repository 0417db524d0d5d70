# mmfarm scenario 1
# title: a new mapping merges with an equal one that ends where it begins
# category: vma_merge
# expect: clean
# origin: seed:merge
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 3
3 T0 mmap 4..8 rw private anon
