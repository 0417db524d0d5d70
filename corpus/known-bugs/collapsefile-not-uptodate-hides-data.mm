# mmfarm scenario 1
# title: data that has been written is a hole while its page is collapsed
# category: khugepaged
# expect: page-cache collapse_file file
# origin: seed:collapsefile-not-uptodate-hides-data
config pmd_order=3 frames=64 bug=collapsefile-not-uptodate-hides-data
1 T0 memfd f0 8
2 T0 pwrite f0 0
3 T0 pwrite f0 5
4 T0 mmap 0..8 rw shared f0
5 T0 madvise 0..8 COLLAPSE
6 T1 lseek f0 0 data
@5 collapse_file:trylock#2 -> T1
