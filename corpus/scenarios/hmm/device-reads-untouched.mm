# mmfarm scenario 1
# title: a device that reads an untouched page sees the zero page
# category: hmm
# requires: device-private
# expect: clean
# origin: seed:hmm-tests
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 DEVICE device_read 1
3 T0 pagemap 1
4 DEVICE device_write 1
5 T0 pagemap 1
6 T0 read 1
