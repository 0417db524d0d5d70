# mmfarm scenario 1
# title: MADV_PAGEOUT leaves anonymous pages where they are when there is no swap
# category: process_madv
# expect: clean
# origin: seed:process_madv
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 1
3 T0 madvise 0..4 PAGEOUT
4 T0 pagemap 1
5 T0 read 1
