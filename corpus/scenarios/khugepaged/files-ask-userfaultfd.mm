# mmfarm scenario 1
# title: a file is not collapsed while userfaultfd waits for a missing page of any mapping of it
# category: khugepaged
# requires: userfaultfd
# expect: clean
# origin: seed:khugepaged
config pmd_order=3 frames=64 thp=madvise
1 T0 memfd f0 8
2 T0 pwrite f0 5
3 T0 mmap 0..8 rw shared f0
4 T0 mmap 8..9 rw shared f0+7
5 T0 userfaultfd u0
6 T0 uffd_register u0 8..9 missing
7 T0 madvise 0..8 COLLAPSE
8 T0 fstat f0 blocks
9 T0 uffd_zeropage u0 8..9
10 T0 madvise 0..8 COLLAPSE
11 T0 uffd_unregister u0 8..9
12 T0 madvise 0..8 COLLAPSE
13 T0 fstat f0 blocks
14 T0 read 8
