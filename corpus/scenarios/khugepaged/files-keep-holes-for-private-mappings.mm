# mmfarm scenario 1
# title: a private mapping that userfaultfd waits for keeps the holes of a file, too
# category: khugepaged
# requires: userfaultfd
# expect: clean
# origin: seed:khugepaged
config pmd_order=3 frames=64 thp=madvise
1 T0 memfd f0 8
2 T0 pwrite f0 5
3 T0 mmap 0..8 rw shared f0
4 T0 mmap 8..16 rw private f0
5 T0 userfaultfd u0
6 T0 uffd_register u0 8..16 missing
7 T1 madvise 0..8 COLLAPSE
8 T1 read 9
9 T0 uffd_read u0
10 T0 uffd_zeropage u0 9..10
11 T0 madvise 0..8 COLLAPSE
