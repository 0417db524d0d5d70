# mmfarm scenario 1
# title: ksft-guard-regions, lines 688 to 698
# expect: clean
# origin: strace:ksft-guard-regions
config pmd_order=3 frames=64
1 T0 mmap 15..25 rw private anon
2 T0 mmap 25..27 rw shared anon
3 T0 fork T1
4 T1 madvise 15..25 GUARD_INSTALL
5 T1 madvise 15..25 GUARD_REMOVE
6 T1 exit
7 T0 munmap 15..25
8 T0 exit
