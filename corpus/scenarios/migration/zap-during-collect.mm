# mmfarm scenario 1
# title: MADV_DONTNEED waits for the collected entries' flush, then takes the page as well
# category: migration
# requires: device-private
# expect: clean
# origin: seed:migratevma-tlb-flush-after-ptl
config pmd_order=3 frames=64
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 DEVICE migrate_to_device 0..8
4 T1 madvise 3..4 DONTNEED
5 T0 read 3
@3 flush_tlb_mm_range:inc_gen#1 -> T1
