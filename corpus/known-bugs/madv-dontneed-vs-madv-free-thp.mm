# mmfarm scenario 1
# title: MADV_DONTNEED returns, and the huge page is there again
# category: thp
# expect: memory-value madvise_free_huge_pmd anon
# origin: seed:madv-dontneed-vs-madv-free-thp
config pmd_order=3 frames=64 thp=always bug=madv-dontneed-vs-madv-free-thp
1 T0 mmap 0..8 rw private anon
2 T0 write 0
3 T0 madvise 0..8 FREE
4 T1 madvise 0..8 DONTNEED
@3 madvise_free_huge_pmd:set#1 -> T1
