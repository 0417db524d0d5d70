# mmfarm scenario 1
# title: a load of a missing page finds the zeroes that another thread has put there
# category: userfaultfd
# expect: clean
# origin: seed:userfaultfd
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 userfaultfd u0
3 T0 uffd_register u0 0..4 missing
4 T0 read 2
5 T1 uffd_read u0
6 T1 uffd_read u0
7 T1 uffd_zeropage u0 2..4
8 T0 write 2
9 T0 read 2
10 T1 uffd_zeropage u0 0..4
11 T1 uffd_zeropage u0 3..4
