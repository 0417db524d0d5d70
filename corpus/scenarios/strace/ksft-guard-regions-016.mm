# mmfarm scenario 1
# title: ksft-guard-regions, lines 1144 to 1165
# expect: clean
# origin: strace:ksft-guard-regions
config pmd_order=3 frames=64
1 T0 mmap 25..27 rw shared anon
2 T0 mmap 27..28 rw shared anon
3 T0 mmap 28..29 rw shared anon
4 T0 fork T1
5 T1 mmap 15..25 rw private anon
6 T1 madvise 15..16 GUARD_INSTALL
7 T1 madvise 17..18 GUARD_INSTALL
8 T1 madvise 19..20 GUARD_INSTALL
9 T1 madvise 21..22 GUARD_INSTALL
10 T1 madvise 23..24 GUARD_INSTALL
11 T1 munmap 15..25
12 T1 exit
13 T0 munmap 27..28
14 T0 munmap 25..27
15 T0 exit
