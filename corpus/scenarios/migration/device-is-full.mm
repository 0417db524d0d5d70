# mmfarm scenario 1
# title: a page for which the device has no memory stays where it was
# category: migration
# requires: device-private
# expect: clean
# origin: seed:hmm-tests
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 1
3 T0 write 2
4 DEVICE migrate_to_device 1..3
5 T0 pagemap 1
6 T0 pagemap 2
7 T0 read 1
8 T0 read 2
@4 dmirror_devmem_alloc_page:alloc#1 fail
