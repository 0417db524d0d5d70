# mmfarm scenario 1
# title: MADV_WIPEONFORK gives the child zeroes in place of the data
# category: process_madv
# expect: clean
# origin: seed:process_madv
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 1
3 T0 write 3
4 T0 madvise 0..2 WIPEONFORK
5 T0 fork T1
6 T1 read 1
7 T1 read 3
8 T0 read 1
9 T1 write 1
10 T0 pagemap 1
