# mmfarm scenario 1
# title: a mapping that came through fork() does not spread into an untouched one
# category: vma_merge
# expect: clean
# origin: seed:merge
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon noreserve
2 T0 write 0
3 T0 fork T1
4 T1 write 0
5 T1 mmap 4..8 rwx private anon noreserve
6 T1 mprotect 0..4 rwx
7 T0 mmap 4..8 rwx private anon noreserve
8 T0 mprotect 0..4 rwx
