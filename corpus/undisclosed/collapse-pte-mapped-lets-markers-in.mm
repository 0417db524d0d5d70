# mmfarm scenario 1
# title: guard regions come while a huge page of a file is mapped as one
# category: madv_guard
# expect: use-after-free try_collapse_pte_mapped_thp page-table
# origin: seed:collapse-pte-mapped-lets-markers-in
config pmd_order=3 frames=64 bug=collapse-pte-mapped-lets-markers-in
1 T0 memfd f0 1
2 T0 mmap 0..8 rw private f0
3 T1 read 0
4 T0 write 1
5 T0 madvise 0..8 COLLAPSE
6 DEVICE migrate_to_device 0..8
7 T1 madvise 0..8 GUARD_INSTALL
@3 pte_alloc:pmd_lock#1 -> T0
@5 try_collapse_pte_mapped_thp:pmd_lock#1 -> T1
