# mmfarm scenario 1
# title: with UFFD_FEATURE_WP_ASYNC stores pass, and pagemap tells which
# category: userfaultfd
# expect: clean
# origin: seed:userfaultfd
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 2
3 T0 userfaultfd u0 user-only wp-async
4 T0 uffd_register u0 0..4 wp
5 T0 uffd_writeprotect u0 0..4 wp
6 T0 write 2
7 T0 write 1
8 T0 pagemap 0
9 T0 pagemap 1
10 T0 pagemap 2
11 T0 uffd_writeprotect u0 0..4 wp
12 T0 pagemap 2
