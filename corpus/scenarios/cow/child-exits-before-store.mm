# mmfarm scenario 1
# title: a store that waits for the child's exit needs no copy
# category: cow
# expect: clean
# origin: seed:cow
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 1
3 T0 fork T1
4 T0 write 1.1
5 T0 pagemap 1
6 T0 read 1
7 T1 exit
@4 op:begin#1 park 7
