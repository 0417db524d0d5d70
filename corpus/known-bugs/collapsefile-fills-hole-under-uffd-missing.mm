# mmfarm scenario 1
# title: a collapse of a file fills a hole that userfaultfd waits for
# category: khugepaged
# requires: userfaultfd
# expect: uffd-missed collapse_file file
# origin: seed:collapsefile-fills-hole-under-uffd-missing
config pmd_order=3 frames=64 bug=collapsefile-fills-hole-under-uffd-missing
1 T0 memfd f0 8
2 T0 pwrite f0 5
3 T0 mmap 0..8 rw shared f0
4 T0 userfaultfd u0
5 T0 uffd_register u0 0..8 missing
6 T1 madvise 0..8 COLLAPSE
