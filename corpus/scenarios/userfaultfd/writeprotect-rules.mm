# mmfarm scenario 1
# title: what UFFDIO_WRITEPROTECT refuses
# category: userfaultfd
# expect: clean
# origin: seed:userfaultfd
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 mmap 4..6 rw private anon
3 T0 userfaultfd u0 user-only sigbus
4 T0 uffd_register u0 0..4 wp
5 T0 uffd_register u0 4..6 missing
6 T0 uffd_writeprotect u0 0..6 wp
7 T0 uffd_writeprotect u0 0..4 wp dontwake
8 T0 uffd_writeprotect u0 8..9 wp
9 T0 uffd_writeprotect u0 3..4 dontwake
10 T0 uffd_copy u0 4..5 from 0 wp
11 T0 uffd_zeropage u0 4..5 dontwake wp
12 T0 uffd_copy u0 0..1 from 1 wp
13 T0 read 0
14 T0 write 0
