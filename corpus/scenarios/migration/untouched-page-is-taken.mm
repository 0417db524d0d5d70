# mmfarm scenario 1
# title: a store that fills an untouched page first keeps it from the device
# category: migration
# requires: device-private
# expect: clean
# origin: seed:migratevma-driver-assumes-success
config pmd_order=3 frames=64
1 T0 mmap 0..8 rw private anon
2 T0 write 4
3 DEVICE migrate_to_device 3..4
4 T0 write 3
5 DEVICE device_read 3
@3 migrate_vma_insert_page:lock#1 -> T0
