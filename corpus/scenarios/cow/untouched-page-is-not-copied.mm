# mmfarm scenario 1
# title: fork() copies no entry for a page nobody has touched
# category: cow
# expect: clean
# origin: seed:cow
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 0
3 T0 fork T1
4 T1 pagemap 1
5 T1 write 1
6 T0 pagemap 1
7 T0 read 1
