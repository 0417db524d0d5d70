# mmfarm scenario 1
# title: the driver maps a device page that migrate_vma has refused
# category: migration
# requires: device-private
# expect: secondary-mmu dmirror_migrate_finalize_and_map device-private
# origin: seed:migratevma-driver-assumes-success
config pmd_order=3 frames=64 bug=migratevma-driver-assumes-success
1 T0 mmap 0..8 rw private anon
2 T0 write 4
3 DEVICE migrate_to_device 3..4
4 T0 write 3
@3 migrate_vma_insert_page:lock#1 -> T0
