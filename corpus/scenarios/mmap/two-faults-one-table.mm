# mmfarm scenario 1
# title: two faults that both bring a page table keep one of them
# category: mmap
# expect: clean
# origin: seed:mmap
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 1
3 T1 write 2
4 T0 read 2
5 T0 read 1
@2 pte_alloc:pmd_lock#1 -> T1
