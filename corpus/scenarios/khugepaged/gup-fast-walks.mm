# mmfarm scenario 1
# title: GUP-fast with interrupts off holds up a collapse that has taken its page table away
# category: khugepaged
# requires: gup_test
# expect: clean
# origin: seed:transhuge-stress
config pmd_order=3 frames=64 thp=madvise
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 T1 pin_fast p0 3 w
4 T0 madvise 0..8 COLLAPSE
5 T1 dma_write p0
6 T0 read 3
7 T1 unpin p0
@3 gup_fast_pte_range:recheck#1 -> T0
