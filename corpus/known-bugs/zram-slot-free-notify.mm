# mmfarm scenario 1
# title: a slot that parent and child share is read once, and what is read from it later is lost
# category: cow
# requires: swap
# expect: dirty-loss remove_mapping anon
# origin: seed:zram-slot-free-notify
config pmd_order=3 frames=64 swap=8 swap_device=zram bug=zram-slot-free-notify
1 T0 mmap 0..1 rw private anon
2 T0 write 0
3 T0 madvise 0..1 PAGEOUT
4 T0 fork T1
5 T0 read 0
6 T0 madvise 0..1 PAGEOUT
7 T1 read 0
