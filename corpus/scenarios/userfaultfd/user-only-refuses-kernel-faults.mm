# mmfarm scenario 1
# title: faults of the kernel are no business of a user-only userfaultfd
# category: userfaultfd
# expect: clean
# origin: seed:userfaultfd
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 userfaultfd u0 user-only
3 T0 uffd_register u0 0..2 missing
4 T0 mem_read 1
5 T0 vmsplice p0 1
6 T0 madvise 0..2 POPULATE_WRITE
7 T0 mlock 1..3
8 T0 uffd_copy u0 0..1 from 1
9 T0 read 0
10 T1 uffd_zeropage u0 0..2
11 T0 mem_read 1
