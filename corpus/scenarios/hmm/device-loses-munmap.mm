# mmfarm scenario 1
# title: munmap() takes the range from the device as well
# category: hmm
# requires: device-private
# expect: clean
# origin: seed:hmm-tests
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 DEVICE device_write 1
3 T0 munmap 0..4
4 DEVICE device_read 1
5 T0 mmap 0..4 rw private anon
6 DEVICE device_read 1
