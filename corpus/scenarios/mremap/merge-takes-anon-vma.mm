# mmfarm scenario 1
# title: a touched mapping that merges into an untouched one gives it the anon_vma
# category: mremap
# expect: clean
# origin: seed:mremap-merge-anon-vma-uaf
config pmd_order=3 frames=64
1 T0 mmap 8..12 rw private anon
2 T0 write 8
3 T0 mremap 8..12 to 40
4 T0 mmap 4..8 rw private anon
5 T0 mremap 40..44 to 8
6 T0 fork T1
7 T0 munmap 4..12
8 T1 write 8
9 T1 read 8.1
