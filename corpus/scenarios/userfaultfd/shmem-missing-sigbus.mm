# mmfarm scenario 1
# title: what the file has is mapped without a word, what it has not is missing
# category: userfaultfd
# expect: clean
# origin: seed:userfaultfd
config pmd_order=3 frames=64
1 T0 memfd f0 4
2 T0 pwrite f0 1
3 T0 mmap 0..6 rw shared f0
4 T0 mmap 8..12 rw private f0
5 T0 mmap 16..17 rw private anon
6 T0 write 16
7 T0 userfaultfd u0 user-only sigbus
8 T0 uffd_register u0 0..6 missing
9 T0 uffd_register u0 8..12 missing
10 T0 read 1
11 T0 read 2
12 T0 write 10
13 T0 write 9
14 T0 uffd_copy u0 10..11 from 16
15 T0 read 10
16 T0 pread f0 2
17 T0 uffd_copy u0 1..2 from 16
18 T0 uffd_copy u0 2..3 from 16
19 T0 pread f0 2
20 T0 uffd_copy u0 4..5 from 16
21 T0 uffd_zeropage u0 11..12
22 T0 read 11
23 T0 uffd_zeropage u0 5..6
24 T0 pwrite f0 3
25 T0 read 3
