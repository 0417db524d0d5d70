# mmfarm scenario 1
# title: mprotect() flushes what kswapd has taken away and not flushed yet
# category: mmap
# requires: swap
# expect: clean
# origin: seed:cow
config pmd_order=3 frames=64 swap=8
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 T0 madvise 0..8 WILLNEED
4 T1 write 3
5 KSWAPD reclaim 8
6 T0 mprotect 0..8 r
7 T1 read 3
@5 shrink_folio_list:pinned_unmapped#1 -> T0
