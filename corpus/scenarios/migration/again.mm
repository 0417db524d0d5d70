# mmfarm scenario 1
# title: pages that came back can migrate again, others stay with the device
# category: migration
# requires: device-private
# expect: clean
# origin: seed:hmm-tests
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 1
3 T0 write 2
4 DEVICE migrate_to_device 0..4
5 T0 write 1.1
6 DEVICE migrate_to_device 0..4
7 DEVICE device_read 1
8 DEVICE device_read 1.1
9 DEVICE device_read 2
