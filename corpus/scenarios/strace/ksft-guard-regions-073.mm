# mmfarm scenario 1
# title: ksft-guard-regions, lines 8708 to 8904
# expect: clean
# origin: strace:ksft-guard-regions
config pmd_order=3 frames=64
1 T0 mmap 36..37 rw shared anon
2 T0 mmap 37..38 rw shared anon
3 T0 fork T1
4 T1 mmap 35..36 rw shared anon
5 T1 mmap 33..35 rw shared anon
6 T1 fork T2
7 T2 mmap 23..33 rw shared x0
8 T2 madvise 23..24 GUARD_INSTALL
9 T2 madvise 23..24 GUARD_REMOVE
10 T2 madvise 23..24 GUARD_INSTALL
11 T2 madvise 24..25 GUARD_INSTALL
12 T2 madvise 25..26 GUARD_INSTALL
13 T2 madvise 26..27 GUARD_INSTALL
14 T2 madvise 27..28 GUARD_INSTALL
15 T2 madvise 28..29 GUARD_INSTALL
16 T2 madvise 29..30 GUARD_INSTALL
17 T2 madvise 30..31 GUARD_INSTALL
18 T2 madvise 31..32 GUARD_INSTALL
19 T2 madvise 32..33 GUARD_INSTALL
20 T2 munmap 27..28
21 T2 mmap 13..23 rw shared x0
22 T2 munmap 18..19
23 T2 mmap 18..19 rw shared x0+5
24 T2 mmap 27..28 rw shared x0+4
25 T2 exit
26 T1 munmap 35..36
27 T1 munmap 33..35
28 T1 exit
29 T0 munmap 36..37
30 T0 exit
