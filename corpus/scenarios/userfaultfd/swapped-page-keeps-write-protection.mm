# mmfarm scenario 1
# title: a page keeps in swap that userfaultfd has write-protected it
# category: userfaultfd
# requires: swap
# expect: clean
# origin: seed:uffd-unit-tests
config pmd_order=3 frames=64 swap=8
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 T0 userfaultfd u0 user-only wp-async
4 T0 uffd_register u0 0..8 wp
5 T0 uffd_writeprotect u0 0..8 wp
6 T0 madvise 0..8 PAGEOUT
7 T0 pagemap 3
8 T0 read 3
9 T0 pagemap 3
10 T0 write 3
11 T0 pagemap 3
