# mmfarm scenario 1
# title: a collapse that finds a hole filled leaves the other holes charged
# category: khugepaged
# expect: accounting collapse_file file
# origin: seed:collapsefile-rollback-leaks
config pmd_order=3 frames=64 bug=collapsefile-rollback-leaks
1 T0 memfd f0 8
2 T0 pwrite f0 5
3 T0 mmap 0..8 rw shared f0
4 T0 madvise 0..8 COLLAPSE
5 T1 pwrite f0 2
@4 collapse_file:copy_word#1 -> T1
