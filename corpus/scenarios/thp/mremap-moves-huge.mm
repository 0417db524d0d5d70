# mmfarm scenario 1
# title: mremap() to an aligned place moves the huge page
# category: thp
# expect: clean
# origin: seed:transhuge-stress
config pmd_order=3 frames=64 thp=always
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 T0 mremap 0..8 to 16
4 T0 read 19
5 T0 mincore 16..24
6 T0 read 3
