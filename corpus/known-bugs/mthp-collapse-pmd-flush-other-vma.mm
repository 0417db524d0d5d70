# mmfarm scenario 1
# title: a fault in another VMA puts a page table where a collapse has taken one away
# category: khugepaged
# requires: khugepaged
# expect: kernel-assertion collapse_huge_page page-table
# origin: seed:mthp-collapse-pmd-flush-other-vma
config pmd_order=3 frames=64 thp=always mthp=2 max_ptes_none=0 bug=mthp-collapse-pmd-flush-other-vma
1 T0 mmap 0..16 rw private anon
2 T0 madvise 0..16 NOHUGEPAGE
3 T0 madvise 8..12 POPULATE_WRITE
4 T0 madvise 0..16 HUGEPAGE
5 KHUGEPAGED scan T0
6 T1 mprotect 12..16 rwx
7 T1 write 13
@5 collapse_huge_page:write_lock#1 -> T1
@5 collapse_huge_page_copy:copy_word#1 -> T1
