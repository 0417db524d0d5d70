# mmfarm scenario 1
# title: a mapping that came through fork() does not take in a new neighbour
# category: vma_merge
# expect: clean
# origin: seed:merge
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 0
3 T0 fork T1
4 T1 write 0
5 T1 write 1
6 T1 mmap 4..8 rw private anon
7 T0 mmap 4..8 rw private anon
