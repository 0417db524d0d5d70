# mmfarm scenario 1
# title: ksft-guard-regions, lines 8141 to 8694
# expect: clean
# origin: strace:ksft-guard-regions
config pmd_order=3 frames=64 pages=72
1 T0 mmap 8..64 r shared x0
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
24 T0 madvise 48..49 GUARD_INSTALL
25 T0 read 48
26 T0 madvise 50..51 GUARD_INSTALL
27 T0 read 50
28 T0 madvise 52..53 GUARD_INSTALL
29 T0 read 52
30 T0 madvise 54..55 GUARD_INSTALL
31 T0 read 54
32 T0 madvise 56..57 GUARD_INSTALL
33 T0 read 56
34 T0 madvise 58..59 GUARD_INSTALL
35 T0 read 58
36 T0 madvise 60..61 GUARD_INSTALL
37 T0 read 60
38 T0 madvise 62..63 GUARD_INSTALL
39 T0 read 62
40 T0 madvise 8..64 HUGEPAGE
41 T0 madvise 8..64 COLLAPSE
42 T0 read 8
43 T0 read 10
44 T0 read 12
45 T0 read 14
46 T0 exit
