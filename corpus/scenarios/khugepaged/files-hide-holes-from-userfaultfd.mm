# mmfarm scenario 1
# title: who registers while a collapse hides the holes of a file can see none of them
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
6 T0 madvise 0..8 COLLAPSE
7 T1 uffd_register u0 8..9 missing
8 T1 mincore 8..9
9 T0 uffd_zeropage u0 8..9
@6 collapse_file:store#1 -> T1
