# mmfarm scenario 1
# title: what mremap() moves out of a registered VMA stays write-protected for userfaultfd
# category: userfaultfd
# expect: state move_ptes pte
# origin: seed:mremap-leaves-uffd-wp
config pmd_order=3 frames=64 bug=mremap-leaves-uffd-wp
1 T0 mmap 0..1 r private anon populate
2 T0 userfaultfd u0
3 T0 uffd_register u0 0..1 wp
4 T0 uffd_writeprotect u0 0..1 wp
5 T0 mremap 0..1 to 1
