# mmfarm scenario 1
# title: mprotect() of a VMA's tail moves the border to the next VMA
# category: vma_merge
# expect: clean
# origin: seed:merge
config pmd_order=3 frames=64
1 T0 mmap 0..8 rw private anon noreserve
2 T0 mprotect 4..8 r
3 T0 mprotect 2..4 r
4 T0 mprotect 2..5 rw
