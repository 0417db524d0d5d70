# mmfarm scenario 1
# title: MADV_WIPEONFORK stops with EINVAL at shared memory, what is before keeps it
# category: process_madv
# expect: clean
# origin: seed:process_madv
config pmd_order=3 frames=64
1 T0 mmap 0..2 rw private anon
2 T0 mmap 2..4 rw shared anon
3 T0 mmap 4..6 rw private anon
4 T0 write 1
5 T0 write 5
6 T0 madvise 0..6 WIPEONFORK
7 T0 fork T1
8 T1 read 1
9 T1 read 5
