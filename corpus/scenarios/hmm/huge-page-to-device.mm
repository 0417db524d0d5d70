# mmfarm scenario 1
# title: a huge page goes to the device as a whole and comes back by one fault
# category: hmm
# requires: device-private
# expect: clean
# origin: seed:huge-page-to-device
config pmd_order=3 frames=64 thp=always
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 DEVICE migrate_to_device 0..8
4 DEVICE device_write 5
5 T0 read 5
6 T0 read 3
