# mmfarm scenario 1
# title: rmap finds a page whose mapping has merged into an untouched one
# category: rmap
# requires: device-private
# expect: clean
# origin: seed:mremap-merge-anon-vma-uaf
config pmd_order=3 frames=64
1 T0 mmap 8..12 rw private anon
2 T0 write 8
3 T0 mremap 8..12 to 40
4 T0 mmap 4..8 rw private anon
5 T0 mremap 40..44 to 8
6 T0 fork T1
7 DEVICE migrate_to_device 8..9
8 T1 pagemap 8
9 T1 read 8
