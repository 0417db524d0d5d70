# mmfarm scenario 1
# title: MADV_DONTNEED keeps a page table in which a fault has just put a page
# category: process_madv
# expect: clean
# origin: seed:process_madv
config pmd_order=3 frames=64
1 T0 mmap 0..16 rw private anon
2 T0 write 1
3 T0 madvise 0..8 DONTNEED
4 T1 write 2
5 T0 read 2
6 T0 read 1
@3 try_get_and_clear_pmd:trylock#1 -> T1
