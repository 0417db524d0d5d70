# mmfarm scenario 1
# title: untouched pages migrate too, as zeroes
# category: migration
# requires: device-private
# expect: clean
# origin: seed:hmm-tests
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 DEVICE migrate_to_device 0..4
3 DEVICE device_read 1
4 T0 pagemap 1
5 T0 write 1
6 T0 read 1
