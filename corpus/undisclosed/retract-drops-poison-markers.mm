# mmfarm scenario 1
# title: a page table with lost pages goes when another mapping makes its file huge
# category: khugepaged
# requires: userfaultfd
# expect: use-after-free retract_page_tables page-table
# origin: seed:retract-drops-poison-markers
config pmd_order=3 frames=64 bug=retract-drops-poison-markers
1 T0 memfd f0 8
2 T0 pwrite f0 5
3 T0 mmap 0..8 rw shared f0
4 T0 mmap 8..16 rw shared f0
5 T0 userfaultfd u0
6 T0 uffd_register u0 8..16 minor
7 T0 uffd_poison u0 8..9
8 T0 madvise 0..8 COLLAPSE
