# mmfarm scenario 1
# title: a device may not write to a read-only mapping until mprotect() allows it
# category: hmm
# requires: device-private
# expect: clean
# origin: seed:hmm-tests
config pmd_order=3 frames=64
1 T0 mmap 0..4 r private anon
2 DEVICE device_read 1
3 DEVICE device_write 1
4 T0 mprotect 0..4 rw
5 DEVICE device_write 1
6 T0 read 1
