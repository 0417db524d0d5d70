# mmfarm scenario 1
# title: what the device stores to a migrated page comes back with it
# category: migration
# requires: device-private
# expect: clean
# origin: seed:hmm-tests
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 1
3 DEVICE migrate_to_device 1..2
4 DEVICE device_write 1.1
5 T0 read 1
6 T0 read 1.1
