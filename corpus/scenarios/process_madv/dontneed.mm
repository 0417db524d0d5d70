# mmfarm scenario 1
# title: MADV_DONTNEED discards private memory, which then reads as zeroes
# category: process_madv
# expect: clean
# origin: seed:process_madv
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 1
3 T0 write 2
4 T0 madvise 1..2 DONTNEED
5 T0 pagemap 1
6 T0 read 1
7 T0 read 2
