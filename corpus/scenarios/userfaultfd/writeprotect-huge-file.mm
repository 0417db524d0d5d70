# mmfarm scenario 1
# title: write protection splits the entry of a huge page of a file, and no collapse takes it
# category: userfaultfd
# expect: clean
# origin: seed:userfaultfd
config pmd_order=3 frames=64 thp=madvise
1 T0 memfd f0 8
2 T0 pwrite f0 5
3 T0 mmap 0..8 rw shared f0
4 T0 madvise 0..8 COLLAPSE
5 T0 userfaultfd u0 user-only sigbus
6 T0 uffd_register u0 0..8 wp
7 T0 uffd_writeprotect u0 4..6 wp
8 T0 write 3
9 T0 write 5
10 T0 madvise 0..8 COLLAPSE
11 T0 write 5
12 T0 uffd_unregister u0 0..8
13 T0 write 5
14 T0 madvise 0..8 COLLAPSE
