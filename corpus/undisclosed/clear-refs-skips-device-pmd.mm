# mmfarm scenario 1
# title: clear_refs and a huge page on the device
# category: soft_dirty
# requires: device-private soft-dirty
# expect: contract clear_soft_dirty pte
# origin: seed:clear-refs-skips-device-pmd
config pmd_order=3 frames=64 thp=always bug=clear-refs-skips-device-pmd
1 T0 mmap 0..8 rw private anon
2 T0 write 0
3 DEVICE migrate_to_device 0..8
4 T0 clear_refs soft-dirty
