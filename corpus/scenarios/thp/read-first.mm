# mmfarm scenario 1
# title: a load before any store maps the huge zero page, a store after it a page of its own
# category: thp
# expect: clean
# origin: seed:transhuge-stress
config pmd_order=3 frames=64 thp=always
1 T0 mmap 0..8 rw private anon
2 T0 read 3
3 T0 mincore 0..8
4 T0 pagemap 3
5 T0 write 4
6 T0 read 3
7 T0 read 4
8 T0 pagemap 3
