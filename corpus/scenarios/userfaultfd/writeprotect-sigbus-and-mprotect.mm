# mmfarm scenario 1
# title: neither mprotect() nor the kernel gets past write protection
# category: userfaultfd
# expect: clean
# origin: seed:userfaultfd
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 2
3 T0 userfaultfd u0 user-only sigbus
4 T0 uffd_register u0 0..4 wp
5 T0 uffd_writeprotect u0 2..3 wp
6 T0 mprotect 0..4 r
7 T0 mprotect 0..4 rw
8 T0 write 2
9 T0 write 1
10 T0 mem_write 2
11 T0 pagemap 2
12 T0 uffd_writeprotect u0 0..4
13 T0 write 2
