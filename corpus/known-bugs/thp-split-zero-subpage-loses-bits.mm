# mmfarm scenario 1
# title: zeroes of a huge page are new, and after its split they are not
# category: soft_dirty
# requires: device-private soft-dirty
# expect: soft-dirty try_to_map_unused_to_zeropage pte
# origin: seed:thp-split-zero-subpage-loses-bits
config pmd_order=3 frames=64 thp=always bug=thp-split-zero-subpage-loses-bits
1 T0 mmap 0..8 rw private anon
2 T0 clear_refs soft-dirty
3 T0 write 0
4 DEVICE migrate_to_device 0..1
