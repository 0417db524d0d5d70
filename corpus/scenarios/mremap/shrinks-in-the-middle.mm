# mmfarm scenario 1
# title: shrinking a part of a VMA leaves a hole before the rest of it
# category: mremap
# expect: clean
# origin: seed:mremap_test
config pmd_order=3 frames=64
1 T0 mmap 0..8 rw private anon
2 T0 write 5
3 T0 mremap 1..5 to 1..2
4 T0 read 3
5 T0 read 5
