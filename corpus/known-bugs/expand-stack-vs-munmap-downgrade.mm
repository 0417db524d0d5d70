# mmfarm scenario 1
# title: a stack grows into pages whose tables munmap() is freeing
# category: mmap
# expect: use-after-free expand_downwards page-table
config pmd_order=3 frames=64 bug=expand-stack-vs-munmap-downgrade
1 T0 mmap 8..16 rw private anon
2 T0 write 8
3 T0 mmap 16..20 rw private anon growsdown
4 T1 munmap 8..16
5 T0 write 13
@4 tlb_gather_mmu:pending#1 -> T0
