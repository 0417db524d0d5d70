# mmfarm scenario 1
# title: a fault on a device page that finds no memory leaves it with the device
# category: migration
# requires: device-private
# expect: clean
# origin: seed:hmm-tests
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 1
3 DEVICE migrate_to_device 1..2
4 T0 read 1
5 T0 pagemap 1
6 T0 read 1
@4 dmirror_devmem_fault_alloc_and_copy:alloc#1 fail
