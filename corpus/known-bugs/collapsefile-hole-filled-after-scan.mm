# mmfarm scenario 1
# title: a huge page takes the place of a page that came after its hole was counted
# category: khugepaged
# expect: page-cache collapse_file file
# origin: seed:collapsefile-hole-filled-after-scan
config pmd_order=3 frames=64 bug=collapsefile-hole-filled-after-scan
1 T0 memfd f0 8
2 T0 pwrite f0 5
3 T0 mmap 0..8 rw shared f0
4 T0 madvise 0..8 COLLAPSE
5 T1 pwrite f0 2
@4 collapse_file:copy_word#1 -> T1
