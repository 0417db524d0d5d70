# mmfarm scenario 1
# title: a page of a file that is locked comes before holes that userfaultfd waits for
# category: khugepaged
# requires: userfaultfd
# expect: clean
# origin: seed:khugepaged
config pmd_order=3 frames=64 thp=madvise
1 T0 memfd f0 8
2 T0 pwrite f0 5
3 T0 mmap 0..8 rw shared f0
4 T0 userfaultfd u0
5 T0 uffd_register u0 0..8 missing
6 T0 madvise 0..8 COLLAPSE
7 T0 madvise 0..8 COLLAPSE
@6 collapse_file:trylock#1 fail
