# mmfarm scenario 1
# title: files do not become a device's
# category: hmm
# requires: device-private
# expect: clean
# origin: seed:hmm-tests
config pmd_order=3 frames=64
1 T0 memfd f0 2
2 T0 mmap 0..2 rw shared f0
3 T0 write 0
4 DEVICE device_exclusive 0..1
5 T0 read 0
