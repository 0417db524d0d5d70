# mmfarm scenario 1
# title: GUP-fast pins a page after migration looked for pins
# category: migration
# requires: device-private gup_test
# expect: pin gup_fast anon
# origin: seed:migratevma-anon-exclusive-gup-fast
config pmd_order=3 frames=64 bug=migratevma-anon-exclusive-gup-fast
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 DEVICE migrate_to_device 3..4
4 T0 pin_fast p0 3 w
@3 migrate_vma_collect_pmd:clear_pte#1 -> T0
