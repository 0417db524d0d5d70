# mmfarm scenario 1
# title: a dirty page that comes back from a device to a read-only mapping is read-only
# category: mkdirty
# requires: device-private
# expect: clean
# origin: seed:mkdirty
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 1
3 T0 mprotect 0..4 r
4 DEVICE migrate_to_device 0..4
5 T0 write 1
6 T0 read 1
7 T0 write 1
