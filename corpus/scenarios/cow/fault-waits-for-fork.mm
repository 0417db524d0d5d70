# mmfarm scenario 1
# title: a store fault waits for fork() to flush before it copies
# category: cow
# expect: clean
# origin: seed:fork-parent-vma-not-locked
config pmd_order=3 frames=64
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 T0 fork T3
4 T1 write 3.1
5 T2 write 3.2
6 T0 read 3.1
7 T0 read 3.2
8 T3 read 3
9 T3 read 3.2
@3 dup_mmap:flush#1 -> T1
