# mmfarm scenario 1
# title: a driver leaves pages alone that are in swap
# category: migration
# requires: swap device-private
# expect: clean
# origin: seed:hmm-tests
config pmd_order=3 frames=64 swap=8
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 T0 madvise 0..8 PAGEOUT
4 DEVICE migrate_to_device 0..8
5 T0 pagemap 3
6 DEVICE device_read 3
7 T0 read 3
