# mmfarm scenario 1
# title: a huge page is freed that stays in holes of the page cache
# category: khugepaged
# expect: page-cache collapse_file file
# origin: seed:collapsefile-conflicting-xas-store
config pmd_order=3 frames=64 bug=collapsefile-conflicting-xas-store
1 T0 memfd f0 8
2 T0 pwrite f0 5
3 T0 mmap 0..8 rw shared f0
4 T0 madvise 0..8 COLLAPSE
5 T1 vmsplice p0 5
@4 collapse_file:alloc#1 -> T1
