# mmfarm scenario 1
# title: a touched mapping that returns merges with both touched neighbours
# category: vma_merge
# expect: clean
# origin: seed:merge
config pmd_order=3 frames=64
1 T0 mmap 0..12 rw private anon
2 T0 write 1
3 T0 write 5
4 T0 write 9
5 T0 mremap 4..8 to 32
6 T0 mremap 32..36 to 4
7 T0 fork T1
8 T1 read 1
9 T1 read 5
10 T1 read 9
