# mmfarm scenario 1
# title: a second fault on a device page leaves it to the first, which has it locked
# category: migration
# requires: device-private
# expect: clean
# origin: seed:device-private-fault-livelock
config pmd_order=3 frames=64
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 DEVICE migrate_to_device 3..4
4 T0 read 3
5 T1 write 3.1
6 T0 read 3.1
@4 dmirror_devmem_fault:use_page#1 -> T1
