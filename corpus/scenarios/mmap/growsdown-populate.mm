# mmfarm scenario 1
# title: MADV_POPULATE_WRITE below a stack does not let it grow
# category: mmap
# expect: clean
# origin: seed:mmap
config pmd_order=9 frames=256 pages=640
1 T0 mmap 600..602 rw private anon growsdown
2 T0 madvise 595..602 POPULATE_WRITE
3 T0 vmsplice p0 595
