# mmfarm scenario 1
# title: a driver gets a huge page of its own where the huge zero page was write-protected
# category: hmm
# requires: device-private
# expect: uffd-wp-bypass migrate_vma_insert_huge_pmd_page anon
# origin: seed:migratevma-huge-zero-loses-uffd-wp
config pmd_order=3 frames=64 thp=always bug=migratevma-huge-zero-loses-uffd-wp
1 T0 mmap 0..8 r private anon populate
2 T0 userfaultfd u0
3 T0 uffd_register u0 0..8 wp
4 T0 uffd_writeprotect u0 0..8 wp
5 DEVICE migrate_to_device 0..8
