# mmfarm scenario 1
# title: a driver brings its pages back without any CPU fault
# category: migration
# requires: device-private
# expect: clean
# origin: seed:hmm-tests
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 1
3 T0 write 2
4 DEVICE migrate_to_device 0..4
5 DEVICE migrate_to_ram 0..4
6 T0 pagemap 1
7 T0 read 1
8 T0 read 2
