# mmfarm scenario 1
# title: swapoff() meets a process that exits with pages in swap
# category: cow
# requires: swap
# expect: clean
# origin: seed:cow
config pmd_order=3 frames=64 swap=8
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 T0 madvise 0..8 PAGEOUT
4 T0 fork T1
5 T0 swapoff
6 T1 exit
7 T0 read 3
@5 unuse_pte_range:read_pte#4 -> T1
