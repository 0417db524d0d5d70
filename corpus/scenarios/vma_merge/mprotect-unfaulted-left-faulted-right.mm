# mmfarm scenario 1
# title: mprotect() merges an untouched left, a touched middle and a touched right VMA
# category: vma_merge
# expect: clean
# origin: seed:merge
config pmd_order=3 frames=64
1 T0 mmap 0..9 rw private anon noreserve
2 T0 mprotect 0..3 r
3 T0 write 3
4 T0 mprotect 6..9 r
5 T0 mprotect 3..6 r
