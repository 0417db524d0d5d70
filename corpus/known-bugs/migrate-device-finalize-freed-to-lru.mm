# mmfarm scenario 1
# title: a page that has migrated goes back to the LRU
# category: migration
# requires: device-private
# expect: state migrate_device_finalize anon
# origin: seed:migrate-device-finalize-freed-to-lru
config pmd_order=3 frames=64 bug=migrate-device-finalize-freed-to-lru
1 T0 mmap 0..1 rw private anon
2 T0 write 0
3 DEVICE migrate_to_device 0..1
