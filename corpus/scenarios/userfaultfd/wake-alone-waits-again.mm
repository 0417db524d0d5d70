# mmfarm scenario 1
# title: UFFDIO_WAKE resolves nothing, UFFDIO_COPY with DONTWAKE wakes nobody
# category: userfaultfd
# expect: clean
# origin: seed:userfaultfd
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 mmap 8..10 rw private anon
3 T0 userfaultfd u0
4 T0 uffd_register u0 0..4 missing
5 T0 read 1
6 T1 uffd_wake u0 0..4
7 T1 uffd_read u0
8 T1 write 9
9 T1 uffd_copy u0 0..2 from 8 dontwake
10 T1 uffd_wake u0 1..2
11 T0 read 1
12 T0 read 0
