# mmfarm scenario 1
# title: ksft-guard-regions, lines 4112 to 4126
# expect: clean
# origin: strace:ksft-guard-regions
config pmd_order=3 frames=128
1 T0 memfd f0 20
2 T0 mmap 15..25 rw shared f0
3 T0 mmap 25..27 rw shared anon
4 T0 madvise 23..24 GUARD_INSTALL
5 T0 pagemap 15
6 T0 pagemap 16
7 T0 pagemap 17
8 T0 pagemap 18
9 T0 munmap 15..25
10 T0 exit
