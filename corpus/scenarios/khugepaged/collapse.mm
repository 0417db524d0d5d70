# mmfarm scenario 1
# title: MADV_COLLAPSE makes one huge page of what is there, and fills the holes with zeroes
# category: khugepaged
# expect: clean
# origin: seed:transhuge-stress
config pmd_order=3 frames=64 thp=madvise
1 T0 mmap 0..16 rw private anon
2 T0 write 3
3 T0 write 9
4 T0 madvise 0..8 COLLAPSE
5 T0 mincore 0..8
6 T0 read 3
7 T0 read 4
8 T0 mincore 8..16
