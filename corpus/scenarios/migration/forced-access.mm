# mmfarm scenario 1
# title: /proc/self/mem reads pages of the device by bringing them back
# category: migration
# requires: device-private
# expect: clean
# origin: seed:hmm-tests
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 1
3 DEVICE migrate_to_device 0..4
4 T0 mem_read 1
5 T0 pagemap 1
6 T0 mem_write 2
7 T0 read 2
