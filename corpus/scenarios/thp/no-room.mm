# mmfarm scenario 1
# title: a mapping that does not cover an aligned range has small pages only
# category: thp
# expect: clean
# origin: seed:transhuge-stress
config pmd_order=3 frames=64 thp=always
1 T0 mmap 1..8 rw private anon
2 T0 write 3
3 T0 mincore 1..8
4 T0 mmap 12..24 rw private anon
5 T0 write 13
6 T0 write 17
7 T0 mincore 12..16
8 T0 mincore 16..24
