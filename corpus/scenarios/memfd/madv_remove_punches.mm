# mmfarm scenario 1
# title: MADV_REMOVE punches a hole into the file behind a shared writable mapping, and no other
# category: memfd
# expect: clean
# origin: seed:madv_remove_punches
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw shared anon
2 T0 write 1
3 T0 write 2
4 T0 madvise 1..2 REMOVE
5 T0 read 1
6 T0 read 2
7 T0 memfd f0 4
8 T0 mmap 8..12 rw private f0
9 T0 madvise 8..9 REMOVE
10 T0 mmap 16..20 rw private anon
11 T0 madvise 16..17 REMOVE
12 T0 mprotect 0..4 r
13 T0 madvise 2..3 REMOVE
14 T0 read 2
15 T0 madvise 3..6 REMOVE
