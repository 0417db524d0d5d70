# mmfarm scenario 1
# title: nor what may not be written
# category: hmm
# requires: device-private
# expect: clean
# origin: seed:hmm-tests
config pmd_order=3 frames=64
1 T0 mmap 0..2 rw private anon
2 T0 write 0
3 T0 mprotect 0..2 r
4 DEVICE device_exclusive 0..1
5 T0 read 0
