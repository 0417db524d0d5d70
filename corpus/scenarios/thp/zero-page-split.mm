# mmfarm scenario 1
# title: MADV_DONTNEED of a part of the huge zero page leaves zeroes everywhere
# category: thp
# expect: clean
# origin: seed:transhuge-stress
config pmd_order=3 frames=64 thp=always
1 T0 mmap 0..8 rw private anon
2 T0 read 3
3 T0 madvise 0..2 DONTNEED
4 T0 read 1
5 T0 read 5
6 T0 write 5
7 T0 read 5
8 T0 pagemap 3
