# mmfarm scenario 1
# title: a page that a device has for itself changes by its atomic operations, and comes back by a load
# category: hmm
# requires: device-private
# expect: clean
# origin: seed:hmm-tests
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 1
3 DEVICE device_exclusive 1..2
4 DEVICE device_atomic 1
5 T0 read 1
6 DEVICE device_atomic 1
