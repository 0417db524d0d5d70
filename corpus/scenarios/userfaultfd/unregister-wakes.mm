# mmfarm scenario 1
# title: UFFDIO_UNREGISTER of a part wakes who waits there, and no one else
# category: userfaultfd
# expect: clean
# origin: seed:userfaultfd
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 userfaultfd u1
3 T0 uffd_register u1 0..4 missing
4 T0 read 1
5 T1 read 3
6 T2 uffd_unregister u1 0..2
7 T0 read 1
8 T2 uffd_zeropage u1 2..4
9 T1 read 3
