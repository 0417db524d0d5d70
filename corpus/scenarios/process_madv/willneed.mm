# mmfarm scenario 1
# title: MADV_WILLNEED of anonymous memory brings in nothing
# category: process_madv
# expect: clean
# origin: seed:process_madv
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 madvise 0..4 WILLNEED
3 T0 pagemap 1
