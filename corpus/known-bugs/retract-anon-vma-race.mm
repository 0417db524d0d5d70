# mmfarm scenario 1
# title: a page table goes into which guard markers have just been put
# category: khugepaged
# requires: guard-regions
# expect: use-after-free retract_page_tables page-table
# origin: seed:retract-anon-vma-race
config pmd_order=3 frames=64 bug=retract-anon-vma-race
1 T0 memfd f0 8
2 T0 pwrite f0 5
3 T0 mmap 0..8 rw shared f0
4 T0 fork T1
5 T1 read 5
6 T0 madvise 0..8 COLLAPSE
7 T1 madvise 2..3 GUARD_INSTALL
@6 retract_page_tables:pmd_lock#1 -> T1
