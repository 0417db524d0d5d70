# mmfarm scenario 1
# title: where nothing is, the device gets a huge page of zeroes
# category: hmm
# requires: device-private
# expect: clean
# origin: seed:huge-hole-to-device
config pmd_order=3 frames=64 thp=always
1 T0 mmap 0..8 rw private anon
2 DEVICE migrate_to_device 0..8
3 DEVICE device_read 2
4 DEVICE device_write 2
5 T0 madvise 4..8 DONTNEED
6 T0 read 2
