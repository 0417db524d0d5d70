# mmfarm scenario 1
# title: a page on its way to a device is in core
# category: migration
# requires: device-private
# expect: clean
# origin: seed:mincore
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon populate
2 DEVICE migrate_to_device 0..4
3 T0 mincore 0..4
