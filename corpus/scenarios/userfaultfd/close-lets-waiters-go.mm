# mmfarm scenario 1
# title: who waits when the userfaultfd is closed finds memory like any other
# category: userfaultfd
# expect: clean
# origin: seed:userfaultfd
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 userfaultfd u0
3 T0 uffd_register u0 0..4 missing
4 T0 write 1
5 T1 uffd_close u0
6 T0 read 1
7 T0 uffd_read u0
8 T0 read 3
