# mmfarm scenario 1
# title: MADV_DONTNEED discards pages that are in device memory
# category: migration
# requires: device-private
# expect: clean
# origin: seed:hmm-tests
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 1
3 DEVICE migrate_to_device 0..4
4 T0 madvise 0..4 DONTNEED
5 T0 read 1
6 DEVICE device_read 1
