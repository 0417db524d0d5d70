# mmfarm scenario 1
# title: a page that one device has for itself is taken away by the next
# category: hmm
# requires: device-private
# expect: clean
# origin: seed:exclusive-two-devices
config pmd_order=3 frames=64
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 DEVICE device_exclusive 3..4
4 DEVICE1 device_exclusive 3..4
5 DEVICE device_atomic 3
6 DEVICE1 device_atomic 3
