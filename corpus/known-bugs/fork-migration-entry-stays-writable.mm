# mmfarm scenario 1
# title: fork() copies the entry of a page under migration as writable as it is
# category: migration
# requires: device-private
# expect: anon-exclusive copy_nonpresent_pte device-private
# origin: seed:fork-migration-entry-stays-writable
config pmd_order=3 frames=64 bug=fork-migration-entry-stays-writable
1 T0 mmap 0..1 rw private anon
2 T0 write 0
3 DEVICE migrate_to_device 0..1
4 DEVICE device_close
5 T0 fork T1
@4 dmirror_device_evict_chunk:alloc#1 -> T0
