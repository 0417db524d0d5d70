# mmfarm scenario 1
# title: fork() that meets migration entries gives the child the page afterwards
# category: migration
# requires: device-private
# expect: clean
# origin: seed:fork-migration-entry-stays-writable
config pmd_order=3 frames=64
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 DEVICE migrate_to_device 3..4
4 T0 fork T1
5 T1 write 3
6 T0 read 3
@3 migrate_vma_pages:mapping#1 -> T0
