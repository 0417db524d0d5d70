# mmfarm scenario 1
# title: a page of the file waits for UFFDIO_CONTINUE, a hole does not
# category: userfaultfd
# expect: clean
# origin: seed:userfaultfd
config pmd_order=3 frames=64
1 T0 memfd f0 4
2 T0 pwrite f0 1
3 T0 mmap 0..4 rw shared f0
4 T0 userfaultfd u0 user-only sigbus
5 T0 uffd_register u0 0..4 minor
6 T0 read 1
7 T0 read 2
8 T0 uffd_continue u0 1..2
9 T0 read 1
10 T0 uffd_continue u0 0..1
11 T0 uffd_continue u0 2..3
12 T0 write 1
13 T0 pread f0 1
14 T0 mmap 8..9 rw private anon
15 T0 uffd_register u0 8..9 minor
16 T0 uffd_register u0 8..9 missing
17 T0 uffd_continue u0 8..9
