# mmfarm scenario 1
# title: a folio is freed before migrate_vma takes a reference to split it
# category: hmm
# requires: device-private
# expect: refcount migrate_vma_split_folio anon
# origin: seed:migratevma-split-folio-no-ref
config pmd_order=3 frames=64 thp=always bug=migratevma-split-folio-no-ref
1 T0 mmap 0..8 rw private anon
2 T0 write 1
3 T0 madvise 0..1 DONTNEED
4 DEVICE migrate_to_device 0..8
5 T1 madvise 0..8 DONTNEED
@4 migrate_vma_split_folio:get#1 -> T1
