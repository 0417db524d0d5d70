# mmfarm scenario 1
# title: free memory in pieces is no memory for a huge page
# category: thp
# expect: clean
# origin: seed:transhuge-stress
config pmd_order=3 frames=12 thp=always
1 T0 mmap 32..40 rw private anon
2 T0 madvise 32..40 NOHUGEPAGE
3 T0 madvise 32..40 POPULATE_WRITE
4 T0 madvise 33..40 DONTNEED
5 T0 mmap 0..8 rw private anon
6 T0 write 3
7 T0 mincore 0..8
8 T0 read 32
