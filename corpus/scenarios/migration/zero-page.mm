# mmfarm scenario 1
# title: the zero page gives way to a page of the device
# category: migration
# requires: device-private
# expect: clean
# origin: seed:hmm-tests
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 read 1
3 DEVICE migrate_to_device 1..2
4 DEVICE device_write 1
5 T0 read 1
