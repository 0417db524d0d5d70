# mmfarm scenario 1
# title: pages that are said to be lost fail every access, until they are given up
# category: userfaultfd
# expect: clean
# origin: seed:userfaultfd
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 memfd f0 2
3 T0 mmap 8..12 rw shared f0
4 T0 write 0
5 T0 userfaultfd u0 user-only sigbus
6 T0 uffd_register u0 0..4 missing wp
7 T0 uffd_register u0 8..12 minor
8 T0 uffd_poison u0 0..2
9 T0 uffd_poison u0 1..3
10 T0 uffd_poison u0 1..2
11 T0 read 1
12 T0 write 2
13 T0 uffd_zeropage u0 1..2
14 T0 uffd_writeprotect u0 0..4 wp
15 T0 pagemap 1
16 T0 mincore 0..4
17 T0 mremap 1..2 to 20
18 T0 read 20
19 T0 uffd_unregister u0 0..4
20 T0 read 2
21 T0 madvise 0..4 DONTNEED
22 T0 read 2
23 T0 uffd_poison u0 8..9
24 T0 uffd_poison u0 10..11
25 T0 read 8
26 T0 pread f0 0
27 T0 fallocate f0 0 1 punch-hole
28 T0 read 8
29 T0 uffd_poison u0 4..5
