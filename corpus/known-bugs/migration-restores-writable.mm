# mmfarm scenario 1
# title: a migration makes a page writable that clear_refs tracks
# category: soft_dirty
# requires: device-private
# expect: soft-dirty remove_migration_pte anon
# origin: seed:migration-restores-writable
config pmd_order=3 frames=64 bug=migration-restores-writable
1 T0 mmap 0..1 rw private anon
2 T0 write 0
3 DEVICE migrate_to_device 0..1
4 T0 clear_refs soft-dirty
5 T0 write 0
