# mmfarm scenario 1
# title: MADV_POPULATE_WRITE fills a range with huge pages
# category: thp
# expect: clean
# origin: seed:transhuge-stress
config pmd_order=3 frames=64 thp=always
1 T0 mmap 0..24 rw private anon
2 T0 madvise 4..20 POPULATE_WRITE
3 T0 mincore 0..24
4 T0 write 3
5 T0 read 3
6 T0 read 12
