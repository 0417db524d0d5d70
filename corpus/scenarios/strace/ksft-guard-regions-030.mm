# mmfarm scenario 1
# title: ksft-guard-regions, lines 3209 to 3219
# expect: clean
# origin: strace:ksft-guard-regions
config pmd_order=3 frames=128
1 T0 memfd f0 20
2 T0 mmap 15..25 rw shared f0
3 T0 mmap 25..27 rw shared anon
4 T0 read 21
5 T0 mprotect 20..22 r
6 T0 read 20
7 T0 read 21
8 T0 madvise 20..22 GUARD_INSTALL
9 T0 read 20
10 T0 read 21
11 T0 madvise 15..25 GUARD_REMOVE
12 T0 munmap 15..25
13 T0 exit
