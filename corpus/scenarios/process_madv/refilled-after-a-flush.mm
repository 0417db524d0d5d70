# mmfarm scenario 1
# title: MADV_DONTNEED keeps a page table that it had emptied when somebody has used it after a flush
# category: process_madv
# expect: clean
# origin: seed:process_madv
config pmd_order=3 frames=64 gather_batch=4
1 T0 mmap 0..8 rw private anon
2 T0 madvise 0..8 POPULATE_WRITE
3 T0 madvise 0..8 DONTNEED
4 T1 write 2
5 T0 read 2
@3 try_to_free_pte:pmd_lock#1 -> T1
