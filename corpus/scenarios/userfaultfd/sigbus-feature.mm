# mmfarm scenario 1
# title: with UFFD_FEATURE_SIGBUS nobody waits
# category: userfaultfd
# expect: clean
# origin: seed:userfaultfd
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 userfaultfd u0 user-only sigbus
3 T0 uffd_register u0 1..3 missing
4 T0 write 0
5 T0 write 1
6 T0 read 2
7 T0 madvise 0..4 POPULATE_READ
8 T0 uffd_copy u0 1..2 from 0
9 T0 read 1
10 T0 uffd_copy u0 1..3 from 3
11 T0 uffd_zeropage u0 0..1
12 T0 uffd_unregister u0 0..4
13 T0 read 2
