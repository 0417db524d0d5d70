# mmfarm scenario 1
# title: pages in device memory move with their mapping
# category: migration
# requires: device-private
# expect: clean
# origin: seed:hmm-tests
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 1
3 DEVICE migrate_to_device 0..4
4 T0 mremap 0..4 to 16
5 T0 pagemap 17
6 DEVICE device_read 1
7 DEVICE device_read 17
8 T0 read 17
