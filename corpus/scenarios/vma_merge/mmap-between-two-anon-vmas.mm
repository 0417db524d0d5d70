# mmfarm scenario 1
# title: a mapping between two that were touched apart merges only with the left one
# category: vma_merge
# expect: clean
# origin: seed:merge
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 mmap 8..12 rw private anon
3 T0 mprotect 8..12 rwx
4 T0 write 1
5 T0 write 9
6 T0 mprotect 8..12 rw
7 T0 mmap 4..8 rw private anon
