# mmfarm scenario 1
# title: a hole of a file waits for user space, which fills the file
# category: userfaultfd
# expect: clean
# origin: seed:userfaultfd
config pmd_order=3 frames=64
1 T0 memfd f0 4
2 T0 mmap 0..4 rw shared f0
3 T0 mmap 8..12 rw private anon
4 T0 write 9
5 T0 userfaultfd u0
6 T0 uffd_register u0 0..4 missing
7 T0 read 1
8 T1 uffd_read u0
9 T1 uffd_copy u0 1..2 from 9
10 T0 pread f0 1
11 T0 pread f0 2
12 T0 uffd_zeropage u0 2..4
13 T0 write 2
14 T0 pread f0 2
15 T1 uffd_copy u0 1..2 from 9
