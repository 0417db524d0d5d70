# mmfarm scenario 1
# title: the process reads what a device has stored
# category: hmm
# requires: device-private
# expect: clean
# origin: seed:hmm-tests
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 DEVICE device_write 1
3 T0 read 1
4 T0 pagemap 1
