# mmfarm scenario 1
# title: mremap() to a place with another offset splits the huge page
# category: thp
# expect: clean
# origin: seed:transhuge-stress
config pmd_order=3 frames=64 thp=always
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 T0 mremap 0..8 to 17
4 T0 read 20
5 T0 mincore 17..25
6 T0 pagemap 18
