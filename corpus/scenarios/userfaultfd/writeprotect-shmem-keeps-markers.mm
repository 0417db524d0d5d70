# mmfarm scenario 1
# title: what is taken out of a write-protected mapping of a file leaves markers, munmap() does not
# category: userfaultfd
# expect: clean
# origin: seed:userfaultfd
config pmd_order=3 frames=64
1 T0 memfd f0 4
2 T0 mmap 0..4 rw shared f0
3 T0 write 0
4 T0 write 1
5 T0 write 2
6 T0 userfaultfd u0 user-only sigbus
7 T0 uffd_register u0 0..4 wp
8 T0 uffd_writeprotect u0 0..4 wp
9 T0 madvise 0..1 DONTNEED
10 T0 fallocate f0 1 1 punch-hole
11 T0 ftruncate f0 2
12 T0 pagemap 0
13 T0 pagemap 1
14 T0 pagemap 2
15 T0 write 0
16 T0 write 1
17 T0 ftruncate f0 4
18 T0 write 2
19 T0 munmap 0..4
20 T0 mmap 0..4 rw shared f0
21 T0 write 0
