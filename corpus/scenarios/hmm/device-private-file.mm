# mmfarm scenario 1
# title: a store of the device to a private file mapping spares the file
# category: hmm
# requires: device-private
# expect: clean
# origin: seed:hmm-tests
config pmd_order=3 frames=64
1 T0 memfd f0 4
2 T0 pwrite f0 1
3 T0 mmap 0..4 rw private f0
4 DEVICE device_write 1
5 T0 pread f0 1
6 T0 read 1
