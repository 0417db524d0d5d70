# mmfarm scenario 1
# title: a device takes some pages of a huge page, which is split for it
# category: thp
# requires: device-private
# expect: clean
# origin: seed:transhuge-stress
config pmd_order=3 frames=64 thp=always
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 T0 write 7
4 DEVICE migrate_to_device 2..4
5 DEVICE device_read 3
6 T0 read 3
7 T0 read 7
