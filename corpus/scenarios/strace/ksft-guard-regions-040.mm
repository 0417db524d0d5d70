# mmfarm scenario 1
# title: ksft-guard-regions, lines 3969 to 3995
# expect: clean
# origin: strace:ksft-guard-regions
config pmd_order=3 frames=128
1 T0 mmap 25..27 rw shared anon
2 T0 mmap 27..28 rw shared anon
3 T0 mmap 28..29 rw shared anon
4 T0 fork T1
5 T1 memfd f0 20
6 T1 mmap 15..25 rw shared f0
7 T1 madvise 18..22 GUARD_INSTALL
8 T1 read 18
9 T1 read 19
10 T1 read 20
11 T1 read 21
12 T1 madvise 15..25 GUARD_REMOVE
13 T1 munmap 15..25
14 T1 exit
15 T0 munmap 27..28
16 T0 munmap 25..27
17 T0 exit
