# mmfarm scenario 1
# title: small device pages for a huge page that a child has, too
# category: hmm
# requires: device-private
# expect: rmap set_pmd_migration_entry anon
# origin: seed:migratevma-split-unmapped-one-mm
config pmd_order=3 frames=64 thp=always bug=migratevma-split-unmapped-one-mm
1 T0 mmap 0..8 rw private anon
2 T0 write 0
3 T0 fork T1
4 DEVICE migrate_to_device 0..8
@4 dmirror_devmem_alloc_page:alloc_huge#1 fail
