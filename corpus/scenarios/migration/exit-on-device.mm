# mmfarm scenario 1
# title: a process that exits gives its device pages back
# category: migration
# requires: device-private
# expect: clean
# origin: seed:hmm-tests
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 1
3 DEVICE migrate_to_device 0..4
4 T0 fork T1
5 T0 exit
6 T1 read 1
