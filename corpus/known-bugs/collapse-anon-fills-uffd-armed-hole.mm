# mmfarm scenario 1
# title: a collapse fills a hole that has been registered since the scan
# category: khugepaged
# expect: uffd-missed collapse_huge_page_copy_succeeded anon
# origin: seed:collapse-anon-fills-uffd-armed-hole
config pmd_order=3 frames=64 thp=always bug=collapse-anon-fills-uffd-armed-hole
1 T0 mmap 0..8 rw private anon
2 T0 mprotect 0..1 r
3 T0 mprotect 0..1 rw
4 T0 madvise 0..8 NOHUGEPAGE
5 T0 write 0
6 T0 madvise 0..8 HUGEPAGE
7 T0 userfaultfd u0
8 T0 madvise 0..8 COLLAPSE
9 T1 uffd_register u0 0..8 missing
@8 collapse_huge_page:alloc#1 -> T1
