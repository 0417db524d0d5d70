# mmfarm scenario 1
# title: mremap() grows in place only at the end of a VMA
# category: mremap
# expect: clean
# origin: seed:mremap_test
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 mremap 0..2 to 0..3
3 T0 mremap 2..4 to 2..6
