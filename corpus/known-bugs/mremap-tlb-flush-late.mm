# mmfarm scenario 1
# title: mremap() flushes after it dropped the page table locks
# category: mremap
# requires: device-private
# expect: stale-tlb move_ptes anon
# origin: seed:mremap-tlb-flush-late
config pmd_order=3 frames=64 bug=mremap-tlb-flush-late
1 T0 mmap 0..1 rw private anon
2 T0 write 0
3 T0 fork T1
4 T1 read 0
5 T1 mremap 0..1 to 8
6 DEVICE migrate_to_device 0..1
@5 flush_tlb_mm_range:inc_gen#1 -> DEVICE
