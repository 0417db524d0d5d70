# mmfarm scenario 1
# title: a store through a TLB entry of before clear_refs sets no soft-dirty bit
# category: soft_dirty
# requires: soft-dirty
# expect: soft-dirty clear_refs_write anon
# origin: seed:softdirty-clear-no-flush
config pmd_order=3 frames=64 bug=softdirty-clear-no-flush
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 T0 clear_refs soft-dirty
4 T0 write 3
5 T0 pagemap 3
