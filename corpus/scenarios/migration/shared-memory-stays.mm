# mmfarm scenario 1
# title: shared memory and files do not migrate to the device
# category: migration
# requires: device-private
# expect: clean
# origin: seed:hmm-tests
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw shared anon
2 T0 write 1
3 DEVICE migrate_to_device 0..4
4 T0 read 1
5 T0 pagemap 1
