# mmfarm scenario 1
# title: a part of a registered mapping moves to beside the rest of it
# category: userfaultfd
# requires: userfaultfd
# expect: state change_pte_range pte
# origin: seed:mremap-merges-userfaultfd
config pmd_order=3 frames=64 bug=mremap-merges-userfaultfd
1 T0 mmap 0..2 r private anon populate
2 T0 userfaultfd u0
3 T0 uffd_register u0 0..2 wp
4 T0 uffd_writeprotect u0 0..1 wp
5 T0 mremap 1..2 to 2
