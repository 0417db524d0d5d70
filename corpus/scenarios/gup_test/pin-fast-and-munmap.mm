# mmfarm scenario 1
# title: pin_user_pages_fast() lets go of a page whose entry has changed
# category: gup_test
# requires: gup_test
# expect: clean
# origin: seed:gup_test
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 1
3 T0 pin_fast p0 1 r
4 T1 munmap 0..4
5 T0 mmap 0..4 rw private anon
6 T0 read 1
@3 gup_fast_pte_range:recheck#1 -> T1
