# mmfarm scenario 1
# title: a device reads and writes through a huge entry
# category: thp
# requires: device-private
# expect: clean
# origin: seed:transhuge-stress
config pmd_order=3 frames=64 thp=always
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 DEVICE device_read 3
4 DEVICE device_write 4
5 T0 read 4
6 T0 munmap 0..4
7 DEVICE device_read 3
8 DEVICE device_read 4
