# mmfarm scenario 1
# title: a CPU goes round while a huge page is being split
# category: thp
# requires: device-private
# expect: livelock migration_entry_wait anon
# origin: seed:migration-entry-wait-tail
config pmd_order=3 frames=64 thp=always bug=migration-entry-wait-tail
1 T0 mmap 0..8 rw private anon
2 T0 write 0
3 DEVICE migrate_to_device 0..1
4 T0 read 3
@3 folio_freeze_and_split_unmapped:freeze#1 -> T0
