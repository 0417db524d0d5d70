# mmfarm scenario 1
# title: neighbours that differ only in protection share an anon_vma and merge later
# category: vma_merge
# expect: clean
# origin: seed:merge
config pmd_order=3 frames=64
1 T0 mmap 0..8 rw private anon
2 T0 mprotect 4..8 rwx
3 T0 write 1
4 T0 write 5
5 T0 mprotect 4..8 rw
