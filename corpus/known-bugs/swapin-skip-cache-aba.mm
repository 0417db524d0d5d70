# mmfarm scenario 1
# title: two threads read a slot, one stores and the page goes to the same slot again
# category: cow
# requires: swap
# expect: memory-value do_swap_page anon
# origin: seed:swapin-skip-cache-aba
config pmd_order=3 frames=64 swap=1 swap_device=zram bug=swapin-skip-cache-aba
1 T0 mmap 0..1 rw private anon
2 T0 write 0
3 T0 madvise 0..1 PAGEOUT
4 T1 read 0
5 T0 read 0
6 T0 write 0
7 T0 madvise 0..1 PAGEOUT
@4 do_swap_page:lock#1 park 7
