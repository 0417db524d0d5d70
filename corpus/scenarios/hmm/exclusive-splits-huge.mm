# mmfarm scenario 1
# title: a device that wants one page of a huge one splits its entry
# category: hmm
# requires: device-private
# expect: clean
# origin: seed:hmm-tests
config pmd_order=3 frames=64 thp=always
1 T0 mmap 0..8 rw private anon
2 T0 write 0
3 DEVICE device_exclusive 3..4
4 DEVICE device_atomic 3
5 T0 write 4
6 T0 read 3
7 T0 read 0
