# mmfarm scenario 1
# title: mremap() does not grow in place into another mapping
# category: mremap
# expect: clean
# origin: seed:mremap_test
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 mmap 6..8 r private anon
3 T0 mremap 0..4 to 0..8
4 T0 mremap 0..4 to 0..6
