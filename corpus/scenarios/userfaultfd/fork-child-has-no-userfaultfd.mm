# mmfarm scenario 1
# title: the child of a fork faults its missing pages in by itself
# category: userfaultfd
# expect: clean
# origin: seed:userfaultfd
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 userfaultfd u0
3 T0 uffd_register u0 0..4 missing
4 T0 uffd_zeropage u0 0..1
5 T0 fork T1
6 T1 read 1
7 T1 write 0
8 T0 read 2
9 T1 mmap 8..9 rw private anon
10 T1 write 8
11 T1 uffd_copy u0 2..3 from 8
12 T0 read 2
