# mmfarm scenario 1
# title: a mapping that was untouched at fork() merges in the child as it does in the parent
# category: vma_merge
# expect: clean
# origin: seed:merge
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 fork T1
3 T1 mmap 4..8 rw private anon
4 T1 write 3
5 T1 write 4
