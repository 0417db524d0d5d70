# mmfarm scenario 1
# title: a store takes a page back from a device
# category: hmm
# requires: device-private
# expect: clean
# origin: seed:hmm-tests
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 1
3 DEVICE device_exclusive 0..4
4 DEVICE device_atomic 2
5 T0 write 2
6 DEVICE device_atomic 2
7 DEVICE device_atomic 1
8 T0 read 2
9 T0 read 1
