# mmfarm scenario 1
# title: one migration goes through several mappings, and stops at a hole
# category: migration
# requires: device-private
# expect: clean
# origin: seed:hmm-tests
config pmd_order=3 frames=64
1 T0 mmap 0..2 rw private anon
2 T0 mmap 2..4 r private anon
3 T0 write 1
4 DEVICE migrate_to_device 0..4
5 DEVICE migrate_to_device 0..6
6 T0 read 1
