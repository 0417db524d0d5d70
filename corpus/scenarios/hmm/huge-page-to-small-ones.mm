# mmfarm scenario 1
# title: the device has no huge page, and takes small ones
# category: hmm
# requires: device-private
# expect: clean
# origin: seed:huge-page-to-small-ones
config pmd_order=3 frames=64 thp=always
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 T0 fork T1
4 DEVICE migrate_to_device 0..8
5 T1 read 3
6 T0 read 3
@4 dmirror_devmem_alloc_page:alloc_huge#1 fail
