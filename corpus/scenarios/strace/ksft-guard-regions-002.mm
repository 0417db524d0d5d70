# mmfarm scenario 1
# title: ksft-guard-regions, lines 98 to 100
# expect: clean
# origin: strace:ksft-guard-regions
config pmd_order=3 frames=64
1 T0 mmap 15..25 rw private anon
2 T0 mmap 25..27 rw shared anon
3 T0 munmap 15..25
4 T0 exit
