# mmfarm scenario 1
# title: a move runs out of memory, and so does the move back
# category: mremap
# expect: memory-value move_vma anon
# origin: seed:mremap-revert-allocates
config pmd_order=3 frames=64 bug=mremap-revert-allocates
1 T0 mmap 7..10 w private anon
2 T0 write 8
3 T0 mremap 7..10 to 14
@3 pte_alloc:new_table#1 fail
@3 pte_alloc:new_table#2 fail
