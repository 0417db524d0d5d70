# mmfarm scenario 1
# title: a store just before the entry is cleared migrates with the page
# category: migration
# requires: device-private
# expect: clean
# origin: seed:migratevma-dirty-bit-lost
config pmd_order=3 frames=64
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 DEVICE migrate_to_device 3..4
4 T1 write 3.1
5 DEVICE device_read 3.1
6 T0 read 3.1
@3 migrate_vma_collect_pmd:clear_pte#1 -> T1
