# mmfarm scenario 1
# title: a page in device memory loses the right to be written with mprotect()
# category: migration
# requires: device-private
# expect: clean
# origin: seed:hmm-tests
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 1
3 DEVICE migrate_to_device 0..4
4 T0 mprotect 0..4 r
5 DEVICE device_write 1
6 DEVICE device_read 1
7 T0 mprotect 0..4 rw
8 T0 write 1
9 T0 read 1
