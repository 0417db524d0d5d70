# mmfarm scenario 1
# title: after MADV_DONTNEED the device reads zeroes as the process does
# category: hmm
# requires: device-private
# expect: clean
# origin: seed:hmm-tests
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 1
3 DEVICE device_read 1
4 T0 madvise 0..4 DONTNEED
5 DEVICE device_read 1
