# mmfarm scenario 1
# title: a pinned page does not migrate
# category: migration
# requires: device-private gup_test
# expect: clean
# origin: seed:hmm-tests
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 1
3 T0 write 2
4 T0 pin p0 1 w
5 DEVICE migrate_to_device 1..3
6 T0 pagemap 1
7 T0 dma_write p0
8 T0 read 1
9 T0 unpin p0
10 DEVICE migrate_to_device 1..3
