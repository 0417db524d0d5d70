# mmfarm scenario 1
# title: a fault that lost its VMA to munmap() ends with SIGSEGV and leaves nothing
# category: mmap
# expect: clean
# origin: seed:mmap
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 0
3 T0 write 1
4 T1 munmap 0..4
@3 lock_vma_under_rcu:walk#1 -> T1
