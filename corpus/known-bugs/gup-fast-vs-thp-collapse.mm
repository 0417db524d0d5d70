# mmfarm scenario 1
# title: GUP-fast goes on in a page table that has been taken away
# category: khugepaged
# requires: khugepaged gup_test
# expect: pin collapse_huge_page_copy_succeeded anon
# origin: seed:gup-fast-vs-thp-collapse
config pmd_order=3 frames=64 thp=madvise bug=gup-fast-vs-thp-collapse
1 T0 mmap 0..8 rw private anon
2 T0 madvise 0..8 POPULATE_WRITE
3 T0 madvise 0..8 HUGEPAGE
4 T1 pin_fast p0 2 w
5 T0 madvise 0..8 COLLAPSE
@4 gup_fast_pte_range:read_pte#1 -> T0
@5 collapse_huge_page_copy:copy_word#1 -> T1
