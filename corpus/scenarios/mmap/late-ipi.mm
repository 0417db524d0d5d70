# mmfarm scenario 1
# title: munmap() does not return before a late CPU has answered its shootdown
# category: mmap
# expect: clean
# origin: seed:mmap
config pmd_order=3 frames=64
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 T1 read 3
4 T0 munmap 0..8
5 T1 read 3
@4 native_flush_tlb_multi:ipi#1 ipi +20
