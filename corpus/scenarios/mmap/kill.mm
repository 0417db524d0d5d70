# mmfarm scenario 1
# title: who is killed while waiting for mmap_lock has no lock and dies; the child lives on
# category: mmap
# requires: kill
# expect: clean
# origin: seed:killable-lock-failure-unlocks
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon populate
2 T0 fork T2
3 T0 munmap 0..2
4 T1 mprotect 2..4 r
5 T2 kill T0
6 T1 read 3
7 T2 read 3
@3 mmap_write_downgrade:end_vma_writes#1 -> T2
@3 vma_iter_clear:tree#1 -> T1
@5 op:end#1 -> T1
