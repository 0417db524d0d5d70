# mmfarm scenario 1
# title: what mremap moves is registered no more
# category: userfaultfd
# expect: clean
# origin: seed:userfaultfd
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 userfaultfd u0 user-only
3 T0 uffd_register u0 0..4 missing
4 T0 uffd_zeropage u0 0..1
5 T0 mremap 0..2 to 8
6 T0 read 9
7 T0 uffd_zeropage u0 8..9
8 T0 uffd_zeropage u0 2..3
9 T0 mremap 2..4 to 16 dontunmap
10 T0 uffd_zeropage u0 2..4
11 T0 uffd_zeropage u0 17..18
12 T0 mmap 32..34 rw private anon
13 T0 uffd_register u0 2..4 missing
14 T0 mmap 4..6 rw private anon
15 T0 mremap 2..6 to 40
