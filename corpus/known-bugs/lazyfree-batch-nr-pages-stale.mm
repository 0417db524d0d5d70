# mmfarm scenario 1
# title: the last page of a large droppable folio is a device's alone and is dropped several times
# category: thp
# requires: swap thp device-private
# expect: mapcount try_to_unmap_one anon
# origin: seed:lazyfree-batch-nr-pages-stale
config pmd_order=4 frames=64 thp=always mthp=2 swap=8 bug=lazyfree-batch-nr-pages-stale
1 T0 mmap 2..14 rw private anon droppable
2 T0 write 4
3 T0 madvise 4..8 COLD
4 DEVICE device_exclusive 7..8
5 KSWAPD reclaim 8
