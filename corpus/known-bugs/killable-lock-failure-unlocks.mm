# mmfarm scenario 1
# title: a wait for mmap_lock that was killed is taken for the lock, which is then released
# category: pagemap
# requires: kill
# expect: kernel-assertion pagemap_read mmap_lock
# origin: seed:killable-lock-failure-unlocks
config pmd_order=3 frames=64 bug=killable-lock-failure-unlocks
1 T0 mmap 0..1 rw private anon
2 T0 munmap 0..1
3 T1 pagemap 1
4 T2 kill T1
@2 mmap_write_downgrade:end_vma_writes#1 -> T2
@2 vma_iter_clear:tree#1 -> T1
@4 exit_mm:lock#1 -> T1
