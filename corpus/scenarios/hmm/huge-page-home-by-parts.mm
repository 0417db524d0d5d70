# mmfarm scenario 1
# title: there is no huge page of memory to come home to
# category: hmm
# requires: device-private
# expect: clean
# origin: seed:huge-page-home-by-parts
config pmd_order=3 frames=64 thp=always
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 DEVICE migrate_to_device 0..8
4 T0 read 3
5 T0 write 4
@4 dmirror_devmem_fault_alloc_and_copy:alloc_huge#1 fail
