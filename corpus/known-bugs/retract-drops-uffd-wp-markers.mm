# mmfarm scenario 1
# title: a page table with markers of userfaultfd goes when another mapping makes its file huge
# category: khugepaged
# requires: userfaultfd
# expect: use-after-free retract_page_tables page-table
# origin: seed:retract-drops-uffd-wp-markers
config pmd_order=3 frames=64 bug=retract-drops-uffd-wp-markers
1 T0 memfd f0 8
2 T0 pwrite f0 5
3 T0 mmap 0..8 rw shared f0
4 T0 mmap 8..16 rw shared f0
5 T0 userfaultfd u0
6 T0 uffd_register u0 8..16 wp
7 T0 uffd_writeprotect u0 8..9 wp
8 T0 madvise 0..8 COLLAPSE
