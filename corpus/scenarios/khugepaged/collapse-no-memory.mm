# mmfarm scenario 1
# title: without memory for a huge page MADV_COLLAPSE fails with ENOMEM
# category: khugepaged
# expect: clean
# origin: seed:transhuge-stress
config pmd_order=3 frames=64 thp=madvise
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 T0 madvise 0..8 COLLAPSE
4 T0 read 3
@3 collapse_huge_page:alloc#1 fail
