# mmfarm scenario 1
# title: an untouched mapping takes the offset of its new place and merges there
# category: mremap
# expect: clean
# origin: seed:merge
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 mmap 8..12 rw private anon
3 T0 mremap 8..12 to 4
4 T0 write 3
5 T0 write 4
