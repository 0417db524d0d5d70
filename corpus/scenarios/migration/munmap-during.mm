# mmfarm scenario 1
# title: munmap() in the middle of a migration takes the page from both sides
# category: migration
# requires: device-private
# expect: clean
# origin: seed:hmm-tests
config pmd_order=3 frames=64
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 DEVICE migrate_to_device 3..4
4 T0 munmap 0..8
5 T0 read 3
@3 migrate_vma_pages:mapping#1 -> T0
