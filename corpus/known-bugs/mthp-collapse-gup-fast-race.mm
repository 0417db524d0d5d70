# mmfarm scenario 1
# title: GUP-fast pins a page between its count and the end of its entry
# category: khugepaged
# requires: khugepaged gup_test
# expect: pin collapse_huge_page anon
# origin: seed:mthp-collapse-gup-fast-race
config pmd_order=3 frames=64 thp=always mthp=2 max_ptes_none=0 bug=mthp-collapse-gup-fast-race
1 T0 mmap 0..8 rw private anon
2 T0 madvise 0..8 NOHUGEPAGE
3 T0 madvise 0..4 POPULATE_WRITE
4 T0 madvise 0..8 HUGEPAGE
5 KHUGEPAGED scan T0
6 T1 pin_fast p0 2 w
@5 collapse_huge_page:clear_pte#1 -> T1
