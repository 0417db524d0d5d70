# mmfarm scenario 1
# title: a copy on write keeps the words that were not stored to
# category: cow
# expect: clean
# origin: seed:cow
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 1
3 T0 write 1.2
4 T0 fork T1
5 T1 write 1
6 T1 read 1.2
7 T1 read 1.3
8 T0 read 1
