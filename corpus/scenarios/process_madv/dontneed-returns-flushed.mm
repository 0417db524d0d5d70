# mmfarm scenario 1
# title: of two MADV_DONTNEED the second flushes what the first has not flushed yet
# category: process_madv
# expect: clean
# origin: seed:madv-dontneed-parallel-flush-miss
config pmd_order=3 frames=64
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 T1 madvise 0..8 DONTNEED
4 T2 madvise 0..8 DONTNEED
5 T0 read 3
@3 tlb_finish_mmu:nested#1 -> T2
