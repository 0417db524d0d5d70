# mmfarm scenario 1
# title: a pin gets a huge page of its own where the huge zero page was write-protected
# category: gup_test
# expect: uffd-wp-bypass map_anon_folio_pmd anon
# origin: seed:huge-zero-unshare-loses-uffd-wp
config pmd_order=3 frames=64 thp=always bug=huge-zero-unshare-loses-uffd-wp
1 T0 mmap 0..8 r private anon populate
2 T0 userfaultfd u0
3 T0 uffd_register u0 0..8 wp
4 T0 uffd_writeprotect u0 0..8 wp
5 T0 pin p0 0 r longterm
