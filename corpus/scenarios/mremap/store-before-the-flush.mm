# mmfarm scenario 1
# title: a store just before the entry is cleared moves with the page
# category: mremap
# expect: clean
# origin: seed:mremap-tlb-flush-late
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 1
3 T0 mremap 0..4 to 16
4 T1 write 1.1
5 T0 read 17
6 T0 read 17.1
@3 move_ptes:clear_pte#1 -> T1
