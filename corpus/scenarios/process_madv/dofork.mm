# mmfarm scenario 1
# title: MADV_DOFORK takes MADV_DONTFORK back
# category: process_madv
# expect: clean
# origin: seed:process_madv
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 1
3 T0 madvise 0..4 DONTFORK
4 T0 madvise 0..4 DOFORK
5 T0 fork T1
6 T1 read 1
