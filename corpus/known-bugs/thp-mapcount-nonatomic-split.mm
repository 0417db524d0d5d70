# mmfarm scenario 1
# title: a parent takes a huge page for its own while its child splits it
# category: thp
# expect: anon-exclusive split_huge_pmd_locked anon
# origin: seed:thp-mapcount-nonatomic-split
config pmd_order=3 frames=64 thp=always bug=thp-mapcount-nonatomic-split
1 T0 mmap 0..8 rw private anon
2 T0 write 0
3 T0 fork T1
4 T1 madvise 0..4 DONTNEED
5 T0 write 0
@4 split_huge_pmd_locked:add_rmap#1 -> T0
