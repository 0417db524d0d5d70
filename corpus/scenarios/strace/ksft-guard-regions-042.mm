# mmfarm scenario 1
# title: ksft-guard-regions, lines 4068 to 4074
# expect: clean
# origin: strace:ksft-guard-regions
config pmd_order=3 frames=128
1 T0 memfd f0 20
2 T0 mmap 15..25 r shared f0
3 T0 mmap 25..27 rw shared anon
4 T0 read 19
5 T0 read 21
6 T0 read 23
7 T0 madvise 15..25 GUARD_REMOVE
8 T0 munmap 15..25
9 T0 exit
