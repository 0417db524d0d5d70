# mmfarm scenario 1
# title: MADV_COLLAPSE asks to be tried again where userfaultfd waits for missing pages
# category: khugepaged
# requires: userfaultfd
# expect: contract madvise_collapse errno
# origin: seed:collapsefile-errno-semantics
config pmd_order=3 frames=64 bug=collapsefile-errno-semantics
1 T0 mmap 0..8 rw private anon
2 T0 write 1
3 T0 userfaultfd u0
4 T0 uffd_register u0 0..8 missing
5 T0 madvise 0..8 COLLAPSE
