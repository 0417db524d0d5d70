# mmfarm scenario 1
# title: droppable memory can be populated
# category: madv_populate
# expect: clean
# origin: seed:madv_populate
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon droppable
2 T0 madvise 0..4 POPULATE_WRITE
3 T0 pagemap 1
4 T0 madvise 0..4 DONTNEED
5 T0 pagemap 1
