# mmfarm scenario 1
# title: write protection goes to a device and back
# category: userfaultfd
# requires: device-private
# expect: clean
# origin: seed:userfaultfd
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 2
3 T0 userfaultfd u0 user-only sigbus
4 T0 uffd_register u0 0..4 wp
5 T0 uffd_writeprotect u0 0..4 wp
6 DEVICE migrate_to_device 2..3
7 DEVICE device_write 2
8 DEVICE device_read 2
9 T0 read 2
10 T0 write 2
11 T0 pagemap 2
