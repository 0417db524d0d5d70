# mmfarm scenario 1
# title: mprotect() returns while another CPU stores through what reclaim has left unflushed
# category: mprotect
# requires: swap
# expect: stale-tlb try_to_unmap_one anon
# origin: seed:mprotect-vs-batched-unmap
config pmd_order=3 frames=64 swap=8 bug=mprotect-vs-batched-unmap
1 T0 mmap 0..1 rw private anon
2 T0 write 0
3 T0 madvise 0..1 WILLNEED
4 T1 write 0
5 KSWAPD reclaim 8
6 T0 mprotect 0..1 r
@5 shrink_folio_list:pinned_unmapped#1 -> T0
