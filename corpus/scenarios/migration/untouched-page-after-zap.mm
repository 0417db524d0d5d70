# mmfarm scenario 1
# title: a store through a dying translation does not reach a page of the device
# category: migration
# requires: device-private
# expect: clean
# origin: seed:migratevma-none-pte-stale-tlb
config pmd_order=3 frames=64
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 T1 madvise 3..4 DONTNEED
4 DEVICE migrate_to_device 3..4
5 T0 write 3
6 T0 read 3
@3 tlb_finish_mmu:nested#1 -> DEVICE
@4 op:end#1 -> T0
@5 mmu:translate#1 tlb 1
