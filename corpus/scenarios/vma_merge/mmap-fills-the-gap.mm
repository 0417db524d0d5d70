# mmfarm scenario 1
# title: a new mapping between two equal ones makes one of all three
# category: vma_merge
# expect: clean
# origin: seed:merge
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 mmap 8..12 rw private anon
3 T0 write 1
4 T0 mmap 4..8 rw private anon
