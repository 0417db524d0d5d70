# mmfarm scenario 1
# title: a store of the device to shared memory reaches the child
# category: hmm
# requires: device-private
# expect: clean
# origin: seed:hmm-tests
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw shared anon
2 T0 write 1
3 T0 fork T1
4 DEVICE device_write 1
5 T1 read 1
