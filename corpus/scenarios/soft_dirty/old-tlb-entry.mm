# mmfarm scenario 1
# title: clear_refs returns when no CPU can store through an old TLB entry any more
# category: soft_dirty
# requires: soft-dirty
# expect: clean
# origin: seed:softdirty-clear-no-flush
config pmd_order=3 frames=64
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 T1 clear_refs soft-dirty
4 T0 write 3
5 T0 pagemap 3
@3 clear_refs_write:flush#1 -> T0
