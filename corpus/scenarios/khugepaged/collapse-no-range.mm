# mmfarm scenario 1
# title: MADV_COLLAPSE of a range without an aligned huge page does nothing, and succeeds
# category: khugepaged
# expect: clean
# origin: seed:transhuge-stress
config pmd_order=3 frames=64 thp=madvise
1 T0 mmap 0..16 rw private anon
2 T0 write 3
3 T0 madvise 1..9 COLLAPSE
4 T0 mincore 0..16
5 T0 read 3
