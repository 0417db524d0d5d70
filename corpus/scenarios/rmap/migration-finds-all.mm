# mmfarm scenario 1
# title: rmap finds a page in parent, child and grandchild
# category: rmap
# requires: device-private
# expect: clean
# origin: seed:rmap
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 1
3 T0 fork T1
4 T1 fork T2
5 DEVICE migrate_to_device 1..2
6 T1 pagemap 1
7 T2 pagemap 1
8 T2 read 1
9 T1 read 1
10 T0 read 1
