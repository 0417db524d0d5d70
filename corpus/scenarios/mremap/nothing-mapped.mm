# mmfarm scenario 1
# title: mremap() of what is not mapped is EFAULT
# category: mremap
# expect: clean
# origin: seed:mremap_test
config pmd_order=3 frames=64
1 T0 mmap 0..2 rw private anon
2 T0 mremap 8..10 to 16
3 T0 mremap 8..10 to 8..12
4 T0 mremap 8..10 to 8..9
