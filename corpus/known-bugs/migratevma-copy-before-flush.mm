# mmfarm scenario 1
# title: a store through a translation that was not flushed misses the copy
# category: migration
# requires: device-private
# expect: stale-tlb migrate_vma_collect_pmd anon
# origin: seed:migratevma-copy-before-flush
config pmd_order=3 frames=64 bug=migratevma-copy-before-flush
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 DEVICE migrate_to_device 3..4
4 T0 write 3
5 T0 read 3
@3 migrate_vma_pages:mapping#1 -> T0
@4 mmu:translate#1 tlb 1
