# mmfarm scenario 1
# title: a migration of a huge page ends where its old owner has one on the device
# category: hmm
# requires: device-private
# expect: secondary-mmu remove_migration_pmd device-private
# origin: seed:pvmw-device-private-pmd
config pmd_order=3 frames=64 thp=always bug=pvmw-device-private-pmd
1 T0 mmap 0..8 rw private anon
2 T0 write 0
3 T0 fork T1
4 T0 madvise 0..8 DONTNEED
5 T0 write 0
6 DEVICE migrate_to_device 0..8
7 DEVICE1 device_close
8 DEVICE1 device_open T1
9 DEVICE1 migrate_to_device 0..8
