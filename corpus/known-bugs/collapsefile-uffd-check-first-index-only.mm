# mmfarm scenario 1
# title: a collapse does not ask a mapping of its last pages whether userfaultfd waits
# category: khugepaged
# requires: userfaultfd
# expect: uffd-missed collapse_file file
# origin: seed:collapsefile-uffd-check-first-index-only
config pmd_order=3 frames=64 bug=collapsefile-uffd-check-first-index-only
1 T0 memfd f0 8
2 T0 pwrite f0 5
3 T0 mmap 0..8 rw shared f0
4 T0 mmap 8..9 rw shared f0+7
5 T0 userfaultfd u0
6 T0 uffd_register u0 8..9 missing
7 T0 madvise 0..8 COLLAPSE
