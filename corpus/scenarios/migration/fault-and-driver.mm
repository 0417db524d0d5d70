# mmfarm scenario 1
# title: a fault and the driver that bring back the same page do not disturb each other
# category: migration
# requires: device-private
# expect: clean
# origin: seed:hmm-tests
config pmd_order=3 frames=64
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 DEVICE migrate_to_device 3..4
4 T0 read 3
5 DEVICE migrate_to_ram 3..4
6 T0 write 3
7 T0 read 3
@4 do_swap_page:device_lock#1 -> DEVICE
