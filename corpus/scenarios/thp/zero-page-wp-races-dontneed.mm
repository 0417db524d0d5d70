# mmfarm scenario 1
# title: MADV_DONTNEED does not wait for a store that is replacing the huge zero page: both are zeroes
# category: thp
# expect: clean
# origin: seed:transhuge-stress
config pmd_order=3 frames=64 thp=always
1 T0 mmap 0..8 rw private anon
2 T0 read 1
3 T1 write 1
4 T0 madvise 0..1 DONTNEED
5 T0 read 0
@3 flush_tlb_mm_range:inc_gen#1 -> T0
