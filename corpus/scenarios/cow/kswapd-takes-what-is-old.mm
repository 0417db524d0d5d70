# mmfarm scenario 1
# title: kswapd takes what nobody has used between two of its rounds
# category: cow
# requires: swap
# expect: clean
# origin: seed:cow
config pmd_order=3 frames=64 swap=8
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 KSWAPD reclaim 8
4 T0 pagemap 3
5 T0 read 3
