# mmfarm scenario 1
# title: a store while the page is copied to the device waits and is not lost
# category: migration
# requires: device-private
# expect: clean
# origin: seed:migratevma-copy-before-flush
config pmd_order=3 frames=64
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 DEVICE migrate_to_device 3..4
4 T0 write 3.1
5 T0 read 3
6 T0 read 3.1
@3 migrate_vma_pages:mapping#1 -> T0
