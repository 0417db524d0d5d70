# mmfarm scenario 1
# title: a mapping with guards merges with one without and keeps the mark
# category: vma_merge
# expect: clean
# origin: seed:guard-regions
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 madvise 1..2 GUARD_INSTALL
3 T0 mmap 4..8 rw private anon
4 T0 read 1
5 T0 mprotect 4..8 r
