# mmfarm scenario 1
# title: mprotect() takes the right to write from the device
# category: hmm
# requires: device-private
# expect: clean
# origin: seed:hmm-tests
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 DEVICE device_write 1
3 T0 mprotect 0..4 r
4 DEVICE device_write 1
5 DEVICE device_read 1
