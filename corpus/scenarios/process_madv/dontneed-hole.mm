# mmfarm scenario 1
# title: MADV_DONTNEED over a hole discards on both sides and fails with ENOMEM
# category: process_madv
# expect: clean
# origin: seed:process_madv
config pmd_order=3 frames=64
1 T0 mmap 0..2 rw private anon
2 T0 mmap 4..6 rw private anon
3 T0 write 1
4 T0 write 5
5 T0 madvise 0..6 DONTNEED
6 T0 read 1
7 T0 read 5
