# mmfarm scenario 1
# title: migrate_vma loses a concurrent zap
# category: migration
# requires: device-private
# expect: stale-tlb migrate_vma_collect_pmd anon
# origin: seed:migratevma-tlb-flush-after-ptl
config pmd_order=3 frames=64 bug=migratevma-tlb-flush-after-ptl
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 DEVICE migrate_to_device 0..8
4 T1 madvise 3..4 DONTNEED
5 T0 read 3
@3 migrate_vma_collect_pmd:ptl_dropped#1 -> T1
