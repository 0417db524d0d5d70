# mmfarm scenario 1
# title: closing a userfaultfd leaves what it has write-protected as it is
# category: userfaultfd
# expect: state change_pte_range pte
# origin: seed:uffd-close-leaves-wp
config pmd_order=3 frames=64 bug=uffd-close-leaves-wp
1 T0 mmap 0..1 r private anon populate
2 T0 userfaultfd u0
3 T0 uffd_register u0 0..1 wp
4 T0 uffd_writeprotect u0 0..1 wp
5 T0 uffd_close u0
