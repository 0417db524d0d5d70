# mmfarm scenario 1
# title: write protection of what is not there is kept by markers, and ends with DONTNEED
# category: userfaultfd
# expect: clean
# origin: seed:userfaultfd
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 userfaultfd u0 user-only sigbus wp-unpopulated
3 T0 uffd_register u0 0..4 wp
4 T0 uffd_writeprotect u0 0..3 wp
5 T0 pagemap 0
6 T0 mincore 0..4
7 T0 read 1
8 T0 write 1
9 T0 write 0
10 T0 write 3
11 T0 madvise 0..2 DONTNEED
12 T0 write 0
13 T0 write 1
14 T0 write 2
15 T0 uffd_unregister u0 0..4
16 T0 pagemap 2
17 T0 write 2
