# mmfarm scenario 1
# title: two faults bring a page back whose folio is split meanwhile
# category: hmm
# requires: device-private
# expect: refcount migrate_vma_split_folio device-private
# origin: seed:migratevma-split-fault-folio-late
config pmd_order=3 frames=64 bug=migratevma-split-fault-folio-late
1 T0 mmap 0..8 r private anon
2 DEVICE migrate_to_device 0..8
3 T0 munmap 0..1
4 T0 read 1
5 T1 read 1
@4 migrate_vma_split_folio:get#1 -> T1
