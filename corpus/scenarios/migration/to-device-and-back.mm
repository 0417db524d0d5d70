# mmfarm scenario 1
# title: a page that migrated to the device comes back with the first CPU access
# category: migration
# requires: device-private
# expect: clean
# origin: seed:hmm-tests
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 1
3 DEVICE migrate_to_device 1..2
4 T0 pagemap 1
5 T0 read 1
6 T0 pagemap 1
