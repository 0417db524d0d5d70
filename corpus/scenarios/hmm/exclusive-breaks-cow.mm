# mmfarm scenario 1
# title: a device that wants a shared page for itself gets a copy
# category: hmm
# requires: device-private
# expect: clean
# origin: seed:hmm-tests
config pmd_order=3 frames=64
1 T0 mmap 0..2 rw private anon
2 T0 write 0
3 T0 fork T1
4 DEVICE device_exclusive 0..1
5 DEVICE device_atomic 0
6 T1 read 0
7 T0 read 0
