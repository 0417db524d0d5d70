# mmfarm scenario 1
# title: when the child is gone the parent writes to its page without a copy
# category: cow
# expect: clean
# origin: seed:cow
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 1
3 T0 fork T1
4 T1 exit
5 T0 pagemap 1
6 T0 write 1.2
7 T0 read 1
8 T0 read 1.2
