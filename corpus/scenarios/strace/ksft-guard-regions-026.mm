# mmfarm scenario 1
# title: ksft-guard-regions, lines 2181 to 2719
# expect: clean
# origin: strace:ksft-guard-regions
config pmd_order=3 frames=64
1 T0 mmap 8..48 r private anon
2 T0 read 24
3 T0 madvise 26..27 GUARD_INSTALL
4 T0 read 26
5 T0 madvise 28..29 GUARD_INSTALL
6 T0 read 28
7 T0 madvise 30..31 GUARD_INSTALL
8 T0 read 30
9 T0 madvise 32..33 GUARD_INSTALL
10 T0 read 32
11 T0 madvise 34..35 GUARD_INSTALL
12 T0 read 34
13 T0 madvise 36..37 GUARD_INSTALL
14 T0 read 36
15 T0 madvise 38..39 GUARD_INSTALL
16 T0 read 38
17 T0 madvise 40..41 GUARD_INSTALL
18 T0 read 40
19 T0 madvise 42..43 GUARD_INSTALL
20 T0 read 42
21 T0 madvise 44..45 GUARD_INSTALL
22 T0 read 44
23 T0 madvise 46..47 GUARD_INSTALL
24 T0 read 46
25 T0 madvise 8..48 HUGEPAGE
26 T0 madvise 8..48 COLLAPSE
27 T0 read 8
28 T0 read 10
29 T0 read 12
30 T0 read 14
31 T0 exit
