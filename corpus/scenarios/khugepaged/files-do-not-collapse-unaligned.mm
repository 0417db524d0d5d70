# mmfarm scenario 1
# title: a memory file is not collapsed where its huge pages could not be mapped, nor where nothing is
# category: khugepaged
# expect: clean
# origin: seed:khugepaged
config pmd_order=3 frames=64 thp=madvise
1 T0 memfd f0 16
2 T0 pwrite f0 1
3 T0 mmap 1..17 rw shared f0
4 T0 madvise 8..16 COLLAPSE
5 T0 mmap 32..48 rw shared f0
6 T0 madvise 40..48 COLLAPSE
7 T0 madvise 32..40 COLLAPSE
8 T0 madvise 32..40 COLLAPSE
9 T0 read 2
