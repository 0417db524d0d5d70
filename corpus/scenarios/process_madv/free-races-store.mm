# mmfarm scenario 1
# title: a store while MADV_FREE cleans the entry can be read back
# category: process_madv
# expect: clean
# origin: seed:process_madv
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 1
3 T0 madvise 0..4 FREE
4 T1 write 1.1
5 T0 read 1.1
6 T0 read 1
@3 madvise_free_pte_range:clean#1 -> T1
