# mmfarm scenario 1
# title: the zero page is inherited where the VMA has an anon_vma, and stays clean
# category: cow
# expect: clean
# origin: seed:cow
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 2
3 T0 read 1
4 T0 fork T1
5 T1 pagemap 1
6 T1 write 1
7 T0 pagemap 1
8 T0 read 1
9 T0 write 1
10 T1 read 1
11 T0 read 1
