# mmfarm scenario 1
# title: a modified page of read-only memory is collapsed
# category: khugepaged
# requires: khugepaged soft-dirty
# expect: soft-dirty map_anon_folio_pte_nopf pte
# origin: seed:mthp-collapse-loses-soft-dirty
config pmd_order=3 frames=64 thp=always mthp=2 max_ptes_none=0 bug=mthp-collapse-loses-soft-dirty
1 T0 mmap 0..8 rw private anon
2 T0 madvise 0..8 NOHUGEPAGE
3 T0 madvise 0..4 POPULATE_WRITE
4 T0 clear_refs soft-dirty
5 T0 write 0
6 T0 mprotect 0..8 r
7 T0 madvise 0..8 HUGEPAGE
8 KHUGEPAGED scan T0
9 T0 pagemap 0
