# mmfarm scenario 1
# title: shared anonymous memory is not copied on write
# category: cow
# expect: clean
# origin: seed:cow
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw shared anon
2 T0 write 1
3 T0 fork T1
4 T1 write 1
5 T0 read 1
6 T0 write 2
7 T1 read 2
8 T1 pagemap 1
