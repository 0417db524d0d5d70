# mmfarm scenario 1
# title: rmap finds a page whose mapping was split and merged again
# category: rmap
# requires: device-private
# expect: clean
# origin: seed:rmap
config pmd_order=3 frames=64
1 T0 mmap 0..8 rw private anon
2 T0 write 1
3 T0 fork T1
4 T1 mprotect 0..2 r
5 T1 mprotect 0..2 rw
6 T0 mprotect 4..8 r
7 DEVICE migrate_to_device 1..2
8 T1 pagemap 1
9 T1 read 1
