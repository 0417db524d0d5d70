# mmfarm scenario 1
# title: memory that was once writable is charged and does not merge with read-only memory
# category: vma_merge
# expect: clean
# origin: seed:merge
config pmd_order=3 frames=64
1 T0 mmap 0..8 rw private anon
2 T0 mprotect 0..4 r
3 T0 write 4
4 T0 mprotect 4..8 r
