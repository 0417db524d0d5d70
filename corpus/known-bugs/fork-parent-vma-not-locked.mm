# mmfarm scenario 1
# title: a page fault under the VMA lock copies a page that fork() has not flushed yet
# category: cow
# expect: memory-value copy_present_pte anon
# origin: seed:fork-parent-vma-not-locked
config pmd_order=3 frames=64 bug=fork-parent-vma-not-locked
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 T0 fork T3
4 T1 write 3.1
5 T2 write 3.2
6 T0 read 3.2
@3 dup_mmap:flush#1 -> T1
