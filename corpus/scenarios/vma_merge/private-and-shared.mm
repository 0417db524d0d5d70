# mmfarm scenario 1
# title: private and shared memory do not merge
# category: vma_merge
# expect: clean
# origin: seed:merge
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 mmap 4..8 rw shared anon
3 T0 mmap 8..12 rw shared anon
