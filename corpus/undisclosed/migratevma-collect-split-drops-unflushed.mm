# mmfarm scenario 1
# title: an entry is taken out and not flushed while a large folio is being split
# category: hmm
# requires: device-private
# expect: stale-tlb migrate_vma_collect_pmd anon
# origin: seed:migratevma-collect-split-drops-unflushed
config pmd_order=3 frames=64 thp=always mthp=2 bug=migratevma-collect-split-drops-unflushed
1 T0 mmap 1..8 rw private anon
2 T0 read 1
3 T0 write 1
4 T0 write 4
5 T0 fork T2
6 T0 read 1
7 DEVICE migrate_to_device 1..8
8 T1 madvise 1..2 DONTNEED
@7 migrate_vma_split_folio:lock#1 -> T1
