# mmfarm scenario 1
# title: ksft-guard-regions, lines 3344 to 3357
# expect: clean
# origin: strace:ksft-guard-regions
config pmd_order=3 frames=128
1 T0 memfd f0 20
2 T0 mmap 15..25 rw shared f0
3 T0 mmap 25..27 rw shared anon
4 T0 madvise 15..25 DONTNEED
5 T0 read 15
6 T0 read 15
7 T0 read 17
8 T0 read 17
9 T0 munmap 15..25
10 T0 exit
