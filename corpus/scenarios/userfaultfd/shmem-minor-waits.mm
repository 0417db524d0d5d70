# mmfarm scenario 1
# title: a second mapping waits for UFFDIO_CONTINUE
# category: userfaultfd
# expect: clean
# origin: seed:userfaultfd
config pmd_order=3 frames=64
1 T0 memfd f0 4
2 T0 mmap 0..4 rw shared f0
3 T0 mmap 8..12 rw shared f0
4 T0 write 2
5 T0 userfaultfd u0
6 T0 uffd_register u0 8..12 minor
7 T0 read 10
8 T1 uffd_read u0
9 T1 write 2
10 T1 uffd_continue u0 10..11
11 T0 read 10
