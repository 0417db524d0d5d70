# mmfarm scenario 1
# title: a page that is pinned gets the entry back that was read before it was taken out
# category: migration
# requires: device-private
# expect: dirty-loss migrate_vma_collect_pmd anon
# origin: seed:migratevma-restore-stale-pte-on-pin
config pmd_order=3 frames=64 bug=migratevma-restore-stale-pte-on-pin
1 T0 mmap 0..1 rw private anon
2 T0 write 0
3 T0 pin p0 0 w
4 T0 madvise 0..1 FREE
5 DEVICE migrate_to_device 0..1
6 T0 write 0
@5 migrate_vma_collect_pmd:clear_pte#1 -> T0
