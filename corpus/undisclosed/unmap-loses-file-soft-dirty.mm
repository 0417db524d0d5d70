# mmfarm scenario 1
# title: a page that was modified is collapsed
# category: soft_dirty
# requires: soft-dirty
# expect: soft-dirty do_set_pmd pte
# origin: seed:unmap-loses-file-soft-dirty
config pmd_order=3 frames=64 bug=unmap-loses-file-soft-dirty
1 T0 mmap 0..8 rw shared anon populate
2 T0 clear_refs soft-dirty
3 T0 write 0
4 T0 madvise 0..8 COLLAPSE
