# mmfarm scenario 1
# title: mprotect() of a touched VMA merges with an untouched one on its right
# category: vma_merge
# expect: clean
# origin: seed:merge
config pmd_order=3 frames=64
1 T0 mmap 0..8 rw private anon noreserve
2 T0 mprotect 4..8 r
3 T0 write 0
4 T0 mprotect 0..4 r
5 T0 read 0
