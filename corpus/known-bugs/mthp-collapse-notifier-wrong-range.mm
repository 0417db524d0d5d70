# mmfarm scenario 1
# title: a device goes on with the small pages that a collapse has copied
# category: khugepaged
# requires: khugepaged device-private
# expect: secondary-mmu collapse_huge_page_copy_succeeded anon
# origin: seed:mthp-collapse-notifier-wrong-range
config pmd_order=3 frames=64 thp=always mthp=2 max_ptes_none=0 bug=mthp-collapse-notifier-wrong-range
1 T0 mmap 0..8 rw private anon
2 T0 madvise 0..8 NOHUGEPAGE
3 T0 madvise 4..8 POPULATE_WRITE
4 T0 madvise 0..8 HUGEPAGE
5 DEVICE device_read 4
6 KHUGEPAGED scan T0
