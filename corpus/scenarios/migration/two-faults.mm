# mmfarm scenario 1
# title: two faults on one device page bring it back once
# category: migration
# requires: device-private
# expect: clean
# origin: seed:device-private-fault-no-ref
config pmd_order=3 frames=64
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 DEVICE migrate_to_device 3..4
4 T0 read 3
5 T1 read 3
@4 do_swap_page:device_lock#1 -> T1
