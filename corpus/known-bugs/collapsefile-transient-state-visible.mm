# mmfarm scenario 1
# title: lseek() finds data in a hole while a collapse is at work that will fail
# category: khugepaged
# expect: page-cache collapse_file file
# origin: seed:collapsefile-transient-state-visible
config pmd_order=3 frames=64 bug=collapsefile-transient-state-visible
1 T0 memfd f0 8
2 T0 pwrite f0 5
3 T0 mmap 0..8 rw shared f0
4 T0 madvise 0..8 COLLAPSE
5 T1 vmsplice p0 5
6 T2 lseek f0 0 data
7 T2 lseek f0 0 data
@4 collapse_file:alloc#1 -> T1
@4 collapse_file:trylock#1 -> T2
