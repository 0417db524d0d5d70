# mmfarm scenario 1
# title: a store to one page of an aligned range gives all of it memory, zeroed but for that word
# category: thp
# expect: clean
# origin: seed:transhuge-stress
config pmd_order=3 frames=64 thp=always
1 T0 mmap 0..16 rw private anon
2 T0 write 3
3 T0 mincore 0..8
4 T0 mincore 8..16
5 T0 read 3
6 T0 read 4
7 T0 pagemap 7
