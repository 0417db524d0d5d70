# mmfarm scenario 1
# title: a huge page in device memory is migrated and given up
# category: hmm
# requires: device-private
# expect: memory-value set_pmd_migration_entry anon
# origin: seed:device-pmd-none-while-migrating
config pmd_order=3 frames=64 thp=always bug=device-pmd-none-while-migrating
1 T0 mmap 0..8 rw private anon
2 T0 write 0
3 DEVICE migrate_to_device 0..8
4 T0 read 0
5 T1 madvise 0..1 DONTNEED
@4 set_pmd_migration_entry:set_entry#1 -> T1
