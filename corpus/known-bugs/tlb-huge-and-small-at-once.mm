# mmfarm scenario 1
# title: a CPU caches a huge and a small translation of one page while a PMD is split
# category: thp
# expect: stale-tlb split_huge_pmd_locked anon
# origin: seed:tlb-huge-and-small-at-once
config pmd_order=3 frames=64 thp=always bug=tlb-huge-and-small-at-once
1 T0 mmap 0..8 rw private anon
2 T0 write 0
3 T0 madvise 0..1 DONTNEED
