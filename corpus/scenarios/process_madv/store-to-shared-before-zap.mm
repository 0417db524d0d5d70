# mmfarm scenario 1
# title: a store to shared memory just before MADV_DONTNEED clears the entry is kept
# category: process_madv
# expect: clean
# origin: seed:zap-dirty-vs-page-mkclean
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw shared anon
2 T0 write 1
3 T0 madvise 0..4 DONTNEED
4 T1 write 1
5 T0 read 1
@3 zap_pte_range:clear_pte#1 -> T1
