# mmfarm scenario 1
# title: memory that is registered again for less stays write-protected
# category: userfaultfd
# requires: userfaultfd
# expect: state change_pte_range pte
# origin: seed:uffd-reregister-leaves-wp
config pmd_order=3 frames=64 bug=uffd-reregister-leaves-wp
1 T0 mmap 0..1 r private anon populate
2 T0 userfaultfd u0
3 T0 uffd_register u0 0..1 wp
4 T0 uffd_writeprotect u0 0..1 wp
5 T0 uffd_register u0 0..1 missing
