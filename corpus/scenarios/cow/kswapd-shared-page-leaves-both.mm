# mmfarm scenario 1
# title: kswapd takes a page that parent and child have, and both find it again
# category: cow
# requires: swap
# expect: clean
# origin: seed:cow
config pmd_order=3 frames=64 swap=8
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 T0 fork T1
4 KSWAPD reclaim 8
5 T0 read 3
6 T1 read 3
7 T1 write 3
8 T0 read 3
