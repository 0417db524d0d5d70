# mmfarm scenario 1
# title: an aligned move of 512 pages takes their page table with it
# category: mremap
# expect: clean
# origin: seed:mremap_test
config pmd_order=9 frames=256 pages=2048
1 T0 mmap 0..512 rw private anon
2 T0 write 0
3 T0 write 511
4 T0 mremap 0..512 to 1024
5 T0 read 1024
6 T0 read 1535
7 T0 read 511
