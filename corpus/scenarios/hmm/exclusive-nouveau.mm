# mmfarm scenario 1
# title: a driver that loops around make_device_exclusive() has a huge page split in its first round
# category: hmm
# requires: device-private
# expect: clean
# origin: seed:exclusive-nouveau
config pmd_order=3 frames=64 thp=always
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 DEVICE1 device_exclusive 3..4
4 DEVICE1 device_atomic 3
5 T0 read 3
6 DEVICE1 device_atomic 3
