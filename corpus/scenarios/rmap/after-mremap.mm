# mmfarm scenario 1
# title: rmap finds a page whose mapping has moved
# category: rmap
# requires: device-private
# expect: clean
# origin: seed:rmap
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 1
3 T0 fork T1
4 T1 mremap 0..4 to 32
5 T0 mremap 0..4 to 16
6 DEVICE migrate_to_device 17..18
7 T1 pagemap 33
8 T1 read 33
9 T0 read 17
