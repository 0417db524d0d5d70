# mmfarm scenario 1
# title: a page table moves while rmap walks may pass by
# category: mremap
# requires: device-private
# expect: rmap move_normal_pmd anon
# origin: seed:mremap-move-pmd-no-rmap-lock
config pmd_order=3 frames=64 bug=mremap-move-pmd-no-rmap-lock
1 T0 mmap 0..16 rw private anon
2 T0 write 11
3 T0 fork T1
4 T1 mremap 0..8 to 16
5 DEVICE migrate_to_device 11..12
6 T1 mremap 8..16 to 24
@5 pte_offset_map_lock:pmd#4 -> T1
@5 remove_migration_ptes:anon_vma_lock#1 -> T1
@6 move_page_tables:pmd#1 -> DEVICE
