# mmfarm scenario 1
# title: reclaim unmaps a pinned page
# category: cow
# requires: swap gup_test
# expect: pin try_to_unmap_one anon
# origin: seed:pinned-page-added-to-swapcache
config pmd_order=3 frames=64 swap=8 bug=pinned-page-added-to-swapcache
1 T0 mmap 0..1 rw private anon
2 T0 write 0
3 T0 pin p0 0 w
4 T0 madvise 0..1 PAGEOUT
