# mmfarm scenario 1
# title: a huge page is write-protected as a whole, and in part as small ones
# category: userfaultfd
# requires: thp
# expect: clean
# origin: seed:userfaultfd
config pmd_order=3 frames=64 thp=always
1 T0 mmap 0..8 rw private anon
2 T0 write 0
3 T0 userfaultfd u0 user-only sigbus
4 T0 uffd_register u0 0..8 wp
5 T0 uffd_writeprotect u0 0..8 wp
6 T0 write 3
7 T0 pagemap 3
8 T0 uffd_writeprotect u0 0..4
9 T0 write 3
10 T0 write 4
11 T0 madvise 0..8 COLLAPSE
12 T0 uffd_writeprotect u0 0..8
13 T0 write 4
