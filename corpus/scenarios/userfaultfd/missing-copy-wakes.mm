# mmfarm scenario 1
# title: a store to a missing page waits until another thread has copied one in
# category: userfaultfd
# expect: clean
# origin: seed:userfaultfd
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 mmap 8..9 rw private anon
3 T0 write 8.1
4 T0 userfaultfd u0
5 T0 uffd_register u0 0..4 missing
6 T0 write 2
7 T1 uffd_read u0
8 T1 uffd_copy u0 2..3 from 8
9 T0 read 2.1
10 T0 read 2
