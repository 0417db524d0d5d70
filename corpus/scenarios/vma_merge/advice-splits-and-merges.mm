# mmfarm scenario 1
# title: advice about a part splits a mapping, taking it back merges it
# category: vma_merge
# expect: clean
# origin: seed:merge
config pmd_order=3 frames=64
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 T0 madvise 2..4 DONTFORK
4 T0 madvise 2..4 DOFORK
