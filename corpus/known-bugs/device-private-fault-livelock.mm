# mmfarm scenario 1
# title: two faults on one device page keep each other from migrating it
# category: migration
# requires: device-private
# expect: livelock do_swap_page page
# origin: seed:device-private-fault-livelock
config pmd_order=3 frames=64 bug=device-private-fault-livelock
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 DEVICE migrate_to_device 3..4
4 T0 read 3
5 T1 read 3
@4 do_swap_page:migrate_to_ram#1 -> T1
@4 do_swap_page:migrate_to_ram#2 -> T1
@4 do_swap_page:migrate_to_ram#3 -> T1
@4 do_swap_page:migrate_to_ram#4 -> T1
@5 do_swap_page:migrate_to_ram#2 -> T0
@5 do_swap_page:migrate_to_ram#3 -> T0
@5 do_swap_page:migrate_to_ram#4 -> T0
@5 do_swap_page:migrate_to_ram#5 -> T0
