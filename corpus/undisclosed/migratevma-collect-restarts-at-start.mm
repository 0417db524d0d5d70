# mmfarm scenario 1
# title: a page table is freed while a large folio of it is being split
# category: hmm
# requires: device-private
# expect: kernel-assertion migrate_vma_collect_pmd anon
# origin: seed:migratevma-collect-restarts-at-start
config pmd_order=3 frames=64 thp=always mthp=2 bug=migratevma-collect-restarts-at-start
1 T0 mmap 1..8 rw private anon
2 T0 read 1
3 T0 write 1
4 T0 write 4
5 T0 mmap 0..1 rw private anon
6 DEVICE migrate_to_device 0..8
7 T1 madvise 0..8 DONTNEED
@6 split_folio:put_tail#3 -> T1
