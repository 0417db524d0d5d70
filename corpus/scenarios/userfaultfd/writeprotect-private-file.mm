# mmfarm scenario 1
# title: a private copy of a write-protected page of a file is write-protected first
# category: userfaultfd
# expect: clean
# origin: seed:userfaultfd
config pmd_order=3 frames=64
1 T0 memfd f0 4
2 T0 pwrite f0 0
3 T0 mmap 0..4 rw private f0
4 T0 userfaultfd u0
5 T0 uffd_register u0 0..4 wp
6 T0 uffd_writeprotect u0 0..4 wp
7 T0 write 0
8 T1 uffd_read u0
9 T1 uffd_writeprotect u0 0..1
10 T0 read 0
11 T0 pread f0 0
12 T0 pagemap 1
13 T0 fork T2
14 T2 write 0
15 T2 write 1
