# mmfarm scenario 1
# title: pages of a file are write-protected, whether they are mapped or not
# category: userfaultfd
# expect: clean
# origin: seed:userfaultfd
config pmd_order=3 frames=64
1 T0 memfd f0 4
2 T0 mmap 0..4 rw shared f0
3 T0 write 0
4 T0 pwrite f0 1
5 T0 userfaultfd u0 user-only sigbus
6 T0 uffd_register u0 0..4 wp
7 T0 uffd_writeprotect u0 0..3 wp
8 T0 write 0
9 T0 write 1
10 T0 read 1
11 T0 write 1
12 T0 write 2
13 T0 write 3
14 T0 pagemap 0
15 T0 pagemap 1
16 T0 pagemap 2
17 T0 uffd_writeprotect u0 0..4
18 T0 write 0
19 T0 write 1
20 T0 write 2
21 T0 pread f0 2
