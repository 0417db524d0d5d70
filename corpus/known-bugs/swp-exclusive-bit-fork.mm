# mmfarm scenario 1
# title: fork leaves parent and child exclusive swap entries of one page
# category: cow
# requires: swap
# expect: anon-exclusive copy_nonpresent_pte swap
# origin: seed:swp-exclusive-bit-fork
config pmd_order=3 frames=64 swap=8 bug=swp-exclusive-bit-fork
1 T0 mmap 0..1 rw private anon
2 T0 write 0
3 T0 madvise 0..1 PAGEOUT
4 T0 fork T1
