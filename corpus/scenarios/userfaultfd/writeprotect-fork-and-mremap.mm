# mmfarm scenario 1
# title: children and memory that has moved are not write-protected
# category: userfaultfd
# expect: clean
# origin: seed:userfaultfd
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 0
3 T0 write 2
4 T0 userfaultfd u0 user-only sigbus
5 T0 uffd_register u0 0..4 wp
6 T0 uffd_writeprotect u0 0..4 wp
7 T0 fork T1
8 T1 pagemap 2
9 T1 write 2
10 T0 write 2
11 T0 mremap 2..4 to 8
12 T0 pagemap 8
13 T0 write 8
14 T0 write 0
15 T0 uffd_close u0
16 T0 write 0
