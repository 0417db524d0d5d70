# mmfarm scenario 1
# title: rmap finds the pages of each generation
# category: rmap
# requires: device-private
# expect: clean
# origin: seed:rmap
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 1
3 T0 fork T1
4 T0 write 2
5 T0 fork T2
6 T1 write 1
7 DEVICE migrate_to_device 0..4
8 T2 pagemap 1
9 T2 pagemap 2
10 T1 pagemap 1
11 T2 read 2
12 T1 read 1
