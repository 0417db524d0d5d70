# mmfarm scenario 1
# title: migrate_vma_collect_pmd() looks for the dirty bit of an entry that is not present
# category: migration
# requires: device-private
# expect: kernel-assertion migrate_vma_collect_pmd pte
# origin: seed:migratevma-nonpresent-pte-decode
config pmd_order=3 frames=64 bug=migratevma-nonpresent-pte-decode
1 T0 mmap 0..1 rw private anon
2 T0 write 0
3 DEVICE migrate_to_device 0..1
4 T0 read 0
