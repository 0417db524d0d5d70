# mmfarm scenario 1
# title: an rmap walk passes by a page table that a collapse has taken away for a while
# category: khugepaged
# requires: khugepaged device-private
# expect: rmap collapse_huge_page anon
# origin: seed:mthp-collapse-anon-vma-unlock-early
config pmd_order=3 frames=64 thp=always mthp=2 max_ptes_none=0 bug=mthp-collapse-anon-vma-unlock-early
1 T0 mmap 0..8 rw private anon
2 T0 madvise 0..8 NOHUGEPAGE
3 T0 madvise 0..4 POPULATE_WRITE
4 T0 write 5
5 T0 fork T1
6 T1 madvise 0..4 POPULATE_WRITE
7 T1 madvise 0..8 HUGEPAGE
8 DEVICE migrate_to_device 5..6
9 KHUGEPAGED scan T1
@8 migrate_device_unmap:check#1 -> KHUGEPAGED
@9 collapse_huge_page_copy:copy_word#1 -> DEVICE
