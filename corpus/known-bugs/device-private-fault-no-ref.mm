# mmfarm scenario 1
# title: a device page is freed under the CPU fault that wants it
# category: migration
# requires: device-private
# expect: use-after-free do_swap_page device-private
# origin: seed:device-private-fault-no-ref
config pmd_order=3 frames=64 bug=device-private-fault-no-ref
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 DEVICE migrate_to_device 3..4
4 T0 read 3
5 T1 read 3
@4 do_swap_page:migrate_to_ram#1 -> T1
