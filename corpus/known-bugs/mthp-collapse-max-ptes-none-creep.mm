# mmfarm scenario 1
# title: two pages in a row of four are made four, and so eight
# category: khugepaged
# requires: khugepaged
# expect: contract collapse_huge_page_isolate anon
# origin: seed:mthp-collapse-max-ptes-none-creep
config pmd_order=3 frames=64 thp=always mthp=2 max_ptes_none=4 bug=mthp-collapse-max-ptes-none-creep
1 T0 mmap 0..8 rw private anon
2 T0 madvise 0..8 NOHUGEPAGE
3 T0 madvise 0..2 POPULATE_WRITE
4 T0 madvise 0..8 HUGEPAGE
5 KHUGEPAGED scan T0
