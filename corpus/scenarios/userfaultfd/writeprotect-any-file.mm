# mmfarm scenario 1
# title: protection that only remembers stores is for any memory, unless more is asked for
# category: userfaultfd
# expect: clean
# origin: seed:userfaultfd
config pmd_order=3 frames=64
1 T0 mmap 0..2 rw private x0
2 T0 memfd f0 2
3 T0 mmap 4..6 rw shared f0
4 T0 userfaultfd u0 user-only
5 T0 uffd_register u0 0..2 wp
6 T0 userfaultfd u1 user-only wp-async
7 T0 uffd_register u1 0..2 missing wp
8 T0 uffd_register u1 0..6 wp
9 T0 uffd_writeprotect u1 4..6 wp
10 T0 write 4
11 T0 pagemap 4
12 T0 pagemap 5
13 T0 uffd_unregister u1 0..6
14 T0 pagemap 5
15 T0 uffd_register u1 0..2 wp
16 T0 uffd_zeropage u1 0..1
