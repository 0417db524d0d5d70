# mmfarm scenario 1
# title: a store just before mprotect() flushes is kept, the next one faults
# category: mmap
# expect: clean
# origin: seed:mprotect-vs-batched-unmap
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 1
3 T0 mprotect 0..4 r
4 T1 write 1.1
5 T0 read 1.1
6 T1 write 1.1
@3 change_pte_range:modify#1 -> T1
