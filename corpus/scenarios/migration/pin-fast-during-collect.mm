# mmfarm scenario 1
# title: GUP-fast and migration agree on who has the page
# category: migration
# requires: device-private gup_test
# expect: clean
# origin: seed:migratevma-anon-exclusive-gup-fast
config pmd_order=3 frames=64
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 DEVICE migrate_to_device 3..4
4 T0 pin_fast p0 3 w
5 T0 dma_write p0
6 T0 read 3
@3 migrate_vma_collect_pmd:clear_pte#1 -> T0
