# mmfarm scenario 1
# title: MADV_FREE is for anonymous memory
# category: process_madv
# expect: clean
# origin: seed:process_madv
config pmd_order=3 frames=64
1 T0 memfd f0 4
2 T0 mmap 0..2 rw shared anon
3 T0 mmap 2..4 rw private f0
4 T0 write 1
5 T0 write 3
6 T0 madvise 0..2 FREE
7 T0 madvise 2..4 FREE
8 T0 read 1
9 T0 read 3
