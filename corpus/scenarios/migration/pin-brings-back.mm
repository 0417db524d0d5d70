# mmfarm scenario 1
# title: pinning a page of the device brings it back first
# category: migration
# requires: device-private gup_test
# expect: clean
# origin: seed:hmm-tests
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 1
3 DEVICE migrate_to_device 1..2
4 T0 pin p0 1 r
5 T0 dma_read p0
6 T0 pagemap 1
