# mmfarm scenario 1
# title: UFFDIO_COPY fills registered memory only, and stops where something is
# category: userfaultfd
# expect: clean
# origin: seed:userfaultfd
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 mmap 8..16 rw private anon
3 T0 write 9
4 T0 write 3
5 T0 userfaultfd u0 user-only
6 T0 uffd_copy u0 0..1 from 9
7 T0 uffd_register u0 0..4 missing
8 T0 uffd_copy u0 0..5 from 8
9 T0 uffd_copy u0 0..4 from 8
10 T0 read 1
11 T0 uffd_copy u0 3..4 from 9
12 T0 uffd_copy u0 20..21 from 9
13 T0 madvise 1..2 DONTNEED
14 T0 uffd_copy u0 1..2 from 20
15 T0 uffd_copy u0 1..2 from 14
16 T0 read 1
