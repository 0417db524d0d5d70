# mmfarm scenario 1
# title: a device page that becomes read-only is no longer soft-dirty
# category: soft_dirty
# requires: device-private
# expect: soft-dirty copy_nonpresent_pte pte
# origin: seed:device-private-loses-soft-dirty
config pmd_order=3 frames=64 bug=device-private-loses-soft-dirty
1 T0 mmap 0..1 rw private anon
2 T0 write 0
3 T0 clear_refs soft-dirty
4 T0 write 0
5 DEVICE migrate_to_device 0..1
6 T0 fork T1
7 T0 pagemap 0
