# mmfarm scenario 1
# title: a page that a device has for itself is left by its migration
# category: hmm
# requires: device-private
# expect: clean
# origin: seed:hmm-tests
config pmd_order=3 frames=64
1 T0 mmap 0..2 rw private anon
2 T0 write 0
3 DEVICE device_exclusive 0..1
4 DEVICE migrate_to_device 0..2
5 DEVICE device_atomic 0
6 T0 read 0
