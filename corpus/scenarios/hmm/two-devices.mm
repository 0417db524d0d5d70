# mmfarm scenario 1
# title: a second device mirrors the child, which shares device memory of the first one
# category: hmm
# requires: device-private
# expect: clean
# origin: seed:migratevma-two-migrations-page-lock-deadlock
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon populate
2 T0 write 1
3 DEVICE migrate_to_device 0..2
4 T0 fork T1
5 DEVICE1 device_close
6 DEVICE1 device_open T1
7 DEVICE1 device_read 1
8 DEVICE1 migrate_to_device 0..4
9 T1 read 1
10 DEVICE device_write 1
11 T1 read 1
