# mmfarm scenario 1
# title: a large folio that was given up and stored to is put back, and its second page was never modified
# category: soft_dirty
# requires: swap thp
# expect: soft-dirty try_to_unmap_one pte
# origin: seed:lazyfree-batch-restore-writable
config pmd_order=4 frames=64 thp=always mthp=2 swap=8 bug=lazyfree-batch-restore-writable
1 T0 mmap 2..14 rw private anon
2 T0 write 4
3 T0 madvise 4..8 FREE
4 T0 clear_refs soft-dirty
5 T0 write 5
6 T0 madvise 4..8 PAGEOUT
