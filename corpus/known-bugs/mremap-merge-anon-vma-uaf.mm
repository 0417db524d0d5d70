# mmfarm scenario 1
# title: mremap() merges a touched VMA into an untouched one, which gets no anon_vma
# category: mremap
# expect: rmap vma_expand anon
config pmd_order=3 frames=64 bug=mremap-merge-anon-vma-uaf
1 T0 mmap 8..12 rw private anon
2 T0 write 8
3 T0 mremap 8..12 to 40
4 T0 mmap 4..8 rw private anon
5 T0 mremap 40..44 to 8
