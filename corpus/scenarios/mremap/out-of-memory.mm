# mmfarm scenario 1
# title: a move that gets no page table goes back and leaves the data where it was
# category: mremap
# expect: clean
# origin: seed:mremap_test
config pmd_order=3 frames=64
1 T0 mmap 4..12 rw private anon
2 T0 write 5
3 T0 write 9
4 T0 mremap 4..12 to 37
5 T0 read 5
6 T0 read 9
@4 pte_alloc:new_table#2 fail
