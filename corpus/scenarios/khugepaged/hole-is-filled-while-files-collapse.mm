# mmfarm scenario 1
# title: a page that comes into a hole while the file is collapsed stops that, for once
# category: khugepaged
# expect: clean
# origin: seed:khugepaged
config pmd_order=3 frames=64 thp=madvise
1 T0 memfd f0 8
2 T0 pwrite f0 5
3 T0 mmap 0..8 rw shared f0
4 T0 madvise 0..8 COLLAPSE
5 T1 pwrite f0 2
6 T0 fstat f0 blocks
7 T0 madvise 0..8 COLLAPSE
8 T0 read 2
9 T0 fstat f0 blocks
@4 collapse_file:copy_word#1 -> T1
