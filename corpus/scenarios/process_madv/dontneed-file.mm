# mmfarm scenario 1
# title: MADV_DONTNEED of a shared file mapping loses no store
# category: process_madv
# expect: clean
# origin: seed:process_madv
config pmd_order=3 frames=64
1 T0 memfd f0 4
2 T0 mmap 0..4 rw shared f0
3 T0 write 1
4 T0 madvise 0..4 DONTNEED
5 T0 pread f0 1
6 T0 read 1
