# mmfarm scenario 1
# title: rmap finds the child's mapping when the parent has unmapped its own
# category: rmap
# requires: device-private
# expect: clean
# origin: seed:rmap
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 1
3 T0 fork T1
4 T0 fork T2
5 T1 munmap 0..4
6 DEVICE migrate_to_device 1..2
7 T2 pagemap 1
8 T2 read 1
