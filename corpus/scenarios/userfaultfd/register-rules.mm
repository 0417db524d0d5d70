# mmfarm scenario 1
# title: what cannot be registered, and by whom
# category: userfaultfd
# expect: clean
# origin: seed:userfaultfd
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 mmap 4..6 r private anon
3 T0 mmap 8..10 rw private anon droppable
4 T0 userfaultfd u0 user-only
5 T0 userfaultfd u0 user-only
6 T0 userfaultfd u1 user-only
7 T0 uffd_register u0 0..2
8 T0 uffd_register u0 6..8 missing
9 T0 uffd_register u0 4..9 missing
10 T0 uffd_register u0 1..6 missing
11 T0 uffd_register u1 0..6 missing
12 T0 uffd_register u1 0..1 missing
13 T0 uffd_unregister u1 0..6
14 T0 uffd_unregister u0 6..7
15 T0 uffd_unregister u0 0..8
16 T0 uffd_register u1 0..6 missing
17 T0 uffd_unregister u2 0..6
