# mmfarm scenario 1
# title: a child without userfaultfd has entries that are write-protected for one
# category: userfaultfd
# expect: state copy_present_pte pte
# origin: seed:uffd-wp-fork-special-cases
config pmd_order=3 frames=64 bug=uffd-wp-fork-special-cases
1 T0 mmap 0..1 rw private anon populate
2 T0 userfaultfd u0
3 T0 uffd_register u0 0..1 wp
4 T0 uffd_writeprotect u0 0..1 wp
5 T0 fork T1
