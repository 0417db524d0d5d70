# mmfarm scenario 1
# title: a driver gets a page of its own where the zero page stood for modified data
# category: hmm
# requires: device-private soft-dirty
# expect: soft-dirty migrate_vma_insert_page pte
# origin: seed:migratevma-zero-page-loses-soft-dirty
config pmd_order=3 frames=64 thp=always mthp=2 bug=migratevma-zero-page-loses-soft-dirty
1 T0 mmap 0..4 rw private anon
2 T0 clear_refs soft-dirty
3 T0 madvise 0..1 POPULATE_WRITE
4 DEVICE migrate_to_device 0..1
