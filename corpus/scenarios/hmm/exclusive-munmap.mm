# mmfarm scenario 1
# title: munmap() frees a page that a device has for itself
# category: hmm
# requires: device-private
# expect: clean
# origin: seed:hmm-tests
config pmd_order=3 frames=64
1 T0 mmap 0..2 rw private anon
2 T0 write 0
3 DEVICE device_exclusive 0..1
4 T0 munmap 0..2
5 DEVICE device_atomic 0
