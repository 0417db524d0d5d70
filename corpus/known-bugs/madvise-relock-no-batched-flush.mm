# mmfarm scenario 1
# title: madvise() splits a large folio, and does not flush what reclaim has put off meanwhile
# category: thp
# requires: swap thp
# expect: stale-tlb try_to_unmap_one anon
# origin: seed:madvise-relock-no-batched-flush
config pmd_order=4 frames=64 thp=always mthp=2 swap=8 bug=madvise-relock-no-batched-flush
1 T0 mmap 2..14 rw private anon
2 T0 write 4
3 T0 write 12
4 T0 madvise 12..13 WILLNEED
5 T1 write 12
6 KSWAPD reclaim 64
7 T0 madvise 6..13 FREE
@6 isolate_lru_folios:get#3 -> T0
@6 shrink_folio_list:pinned_unmapped#1 -> T0
@7 split_folio:anon_vma_lock#1 -> KSWAPD
