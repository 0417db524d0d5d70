# mmfarm scenario 1
# title: a move that resizes takes one mapping only
# category: mremap
# expect: clean
# origin: seed:mremap_test
config pmd_order=3 frames=64
1 T0 mmap 0..2 rw private anon
2 T0 mmap 2..4 r private anon
3 T0 mremap 0..4 to 16..24
4 T0 mremap 0..4 to 0..8
