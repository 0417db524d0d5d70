# mmfarm scenario 1
# title: droppable memory does not merge with ordinary memory
# category: vma_merge
# expect: clean
# origin: seed:merge
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon noreserve
2 T0 mmap 4..8 rw private anon droppable
3 T0 mmap 8..12 rw private anon droppable
