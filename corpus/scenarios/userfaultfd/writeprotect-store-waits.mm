# mmfarm scenario 1
# title: a store to write-protected memory waits until user space lets it pass
# category: userfaultfd
# expect: clean
# origin: seed:userfaultfd
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 2
3 T0 userfaultfd u0
4 T0 uffd_register u0 0..4 wp
5 T0 uffd_writeprotect u0 0..4 wp
6 T0 read 2
7 T0 write 2
8 T1 uffd_read u0
9 T1 uffd_writeprotect u0 0..4
10 T0 read 2
11 T0 pagemap 2
