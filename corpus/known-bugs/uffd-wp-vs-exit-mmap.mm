# mmfarm scenario 1
# title: UFFDIO_WRITEPROTECT puts markers into memory that exits meanwhile
# category: userfaultfd
# requires: userfaultfd
# expect: use-after-free free_pgtables page-table
# origin: seed:uffd-wp-vs-exit-mmap
config pmd_order=3 frames=64 bug=uffd-wp-vs-exit-mmap
1 T0 memfd f0 1
2 T0 fork T1
3 T1 mmap 0..1 rw shared f0
4 T1 userfaultfd u0
5 T1 uffd_register u0 0..1 wp
6 T0 uffd_writeprotect u0 0..1 wp
7 T1 exit
@6 change_pte_range:lock#1 -> T1
