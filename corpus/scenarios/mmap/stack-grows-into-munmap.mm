# mmfarm scenario 1
# title: a stack that grows while munmap() frees the pages below waits for it
# category: mmap
# expect: clean
# origin: seed:expand-stack-vs-munmap-downgrade
config pmd_order=3 frames=64
1 T0 mmap 8..16 rw private anon
2 T0 write 8
3 T0 mmap 16..20 rw private anon growsdown
4 T1 munmap 8..16
5 T0 write 13
6 T0 read 13
7 T0 read 8
@4 tlb_gather_mmu:pending#1 -> T0
