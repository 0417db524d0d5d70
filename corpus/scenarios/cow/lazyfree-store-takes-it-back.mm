# mmfarm scenario 1
# title: reclaim keeps what was stored to after MADV_FREE
# category: cow
# requires: swap
# expect: clean
# origin: seed:cow
config pmd_order=3 frames=64 swap=8
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 T0 madvise 0..8 FREE
4 T0 write 3.1
5 T0 madvise 0..8 PAGEOUT
6 T0 read 3.1
