# mmfarm scenario 1
# title: mremap() moves a page table that is there no more
# category: khugepaged
# expect: kernel-assertion move_normal_pmd page-table
# origin: seed:mremap-move-pmd-vs-retract
config pmd_order=3 frames=64 bug=mremap-move-pmd-vs-retract
1 T0 memfd f0 8
2 T0 pwrite f0 5
3 T0 mmap 0..8 rw shared f0
4 T0 read 5
5 T0 fork T1
6 T0 mremap 0..8 to 16
7 T1 madvise 0..8 COLLAPSE
@6 take_rmap_locks:i_mmap#1 -> T1
