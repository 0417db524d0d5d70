# mmfarm scenario 1
# title: a store to a huge page that parent and child share copies one small page
# category: thp
# expect: clean
# origin: seed:transhuge-stress
config pmd_order=3 frames=64 thp=always
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 T0 fork T1
4 T0 write 4
5 T1 read 4
6 T0 read 4
7 T0 pagemap 4
8 T0 pagemap 3
9 T1 write 3
10 T0 read 3
11 T1 read 3
