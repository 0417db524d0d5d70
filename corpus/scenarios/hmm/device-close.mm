# mmfarm scenario 1
# title: closing a device brings its pages home, in the child too, and ends its rights
# category: hmm
# requires: device-private
# expect: clean
# origin: seed:hmm-close-leaves-device-pages
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 1
3 DEVICE migrate_to_device 0..4
4 T0 fork T1
5 DEVICE device_close
6 T0 pagemap 1
7 T1 read 1
8 DEVICE device_read 1
9 T0 write 1
