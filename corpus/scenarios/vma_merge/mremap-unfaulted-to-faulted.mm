# mmfarm scenario 1
# title: an untouched mapping merges by mremap() with a touched neighbour
# category: vma_merge
# expect: clean
# origin: seed:merge
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 mmap 16..20 rw private anon
3 T0 write 0
4 T0 mremap 16..20 to 4
5 T0 write 5
6 T0 read 0
