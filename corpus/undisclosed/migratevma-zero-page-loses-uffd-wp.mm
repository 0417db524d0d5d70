# mmfarm scenario 1
# title: a driver gets a page of its own where the zero page was write-protected
# category: hmm
# requires: device-private
# expect: uffd-wp-bypass migrate_vma_insert_page anon
# origin: seed:migratevma-zero-page-loses-uffd-wp
config pmd_order=3 frames=64 bug=migratevma-zero-page-loses-uffd-wp
1 T0 mmap 0..1 r private anon
2 T0 read 0
3 T0 userfaultfd u0
4 T0 uffd_register u0 0..1 wp
5 T0 uffd_writeprotect u0 0..1 wp
6 DEVICE migrate_to_device 0..1
