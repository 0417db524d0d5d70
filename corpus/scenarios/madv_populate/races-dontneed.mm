# mmfarm scenario 1
# title: a page that another thread discards while the range is populated stays away
# category: madv_populate
# expect: clean
# origin: seed:madv_populate
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 madvise 0..4 POPULATE_WRITE
3 T1 madvise 0..2 DONTNEED
4 T0 read 0
5 T0 read 3
@2 do_anonymous_page:alloc#3 -> T1
