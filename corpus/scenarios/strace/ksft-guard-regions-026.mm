# mmfarm scenario 1
# title: ksft-guard-regions, lines 2182 to 2719
# expect: clean
# origin: strace:ksft-guard-regions
config pmd_order=3 frames=64
1 T0 mmap 8..48 r private anon
2 T0 madvise 26..27 GUARD_INSTALL
3 T0 read 26
4 T0 madvise 28..29 GUARD_INSTALL
5 T0 read 28
6 T0 madvise 30..31 GUARD_INSTALL
7 T0 read 30
8 T0 madvise 32..33 GUARD_INSTALL
9 T0 read 32
10 T0 madvise 34..35 GUARD_INSTALL
11 T0 read 34
12 T0 madvise 36..37 GUARD_INSTALL
13 T0 read 36
14 T0 madvise 38..39 GUARD_INSTALL
15 T0 read 38
16 T0 madvise 40..41 GUARD_INSTALL
17 T0 read 40
18 T0 madvise 42..43 GUARD_INSTALL
19 T0 read 42
20 T0 madvise 44..45 GUARD_INSTALL
21 T0 read 44
22 T0 madvise 46..47 GUARD_INSTALL
23 T0 read 46
24 T0 read 8
25 T0 read 10
26 T0 read 12
27 T0 exit
