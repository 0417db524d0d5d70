# mmfarm scenario 1
# title: a huge page that was given up and stored to keeps what was stored, whatever mprotect() does
# category: thp
# requires: swap thp
# expect: clean
# origin: seed:pmd-modify-drops-dirty
config pmd_order=3 frames=64 thp=always swap=8
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 T0 madvise 0..8 FREE
4 T0 write 3
5 T0 mprotect 0..8 r
6 T0 mprotect 0..8 rw
7 KSWAPD reclaim 8
8 T0 read 3
