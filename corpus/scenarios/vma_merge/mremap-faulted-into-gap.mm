# mmfarm scenario 1
# title: a touched mapping merges by mremap() with untouched ones on both sides
# category: vma_merge
# expect: clean
# origin: seed:merge
config pmd_order=3 frames=64
1 T0 mmap 0..12 rw private anon
2 T0 write 5
3 T0 mremap 4..8 to 32
4 T0 munmap 0..12
5 T0 mmap 0..4 rw private anon
6 T0 mmap 8..12 rw private anon
7 T0 mremap 32..36 to 4
8 T0 read 5
9 T0 write 9
