# mmfarm scenario 1
# title: a fault in the range that moves finds no mapping when it gets the lock
# category: mremap
# expect: clean
# origin: seed:mremap-tlb-flush-late
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 1
3 T0 mremap 0..4 to 16
4 T1 write 2
5 T0 read 17
@3 move_ptes:set_pte#1 -> T1
