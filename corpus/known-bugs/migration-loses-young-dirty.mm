# mmfarm scenario 1
# title: the migration entry of a page that was written to does not say so
# category: hmm
# requires: device-private
# expect: dirty-loss migrate_vma_collect_pmd anon
# origin: seed:migration-loses-young-dirty
config pmd_order=3 frames=64 bug=migration-loses-young-dirty
1 T0 mmap 0..1 rw private anon
2 T0 write 0
3 DEVICE migrate_to_device 0..1
