# mmfarm scenario 1
# title: ksft-guard-regions, lines 8142 to 8694
# expect: clean
# origin: strace:ksft-guard-regions
config pmd_order=3 frames=64 pages=72
1 T0 mmap 8..64 r shared x0
2 T0 read 26
3 T0 madvise 28..29 GUARD_INSTALL
4 T0 read 28
5 T0 madvise 30..31 GUARD_INSTALL
6 T0 read 30
7 T0 madvise 32..33 GUARD_INSTALL
8 T0 read 32
9 T0 madvise 34..35 GUARD_INSTALL
10 T0 read 34
11 T0 madvise 36..37 GUARD_INSTALL
12 T0 read 36
13 T0 madvise 38..39 GUARD_INSTALL
14 T0 read 38
15 T0 madvise 40..41 GUARD_INSTALL
16 T0 read 40
17 T0 madvise 42..43 GUARD_INSTALL
18 T0 read 42
19 T0 madvise 44..45 GUARD_INSTALL
20 T0 read 44
21 T0 madvise 46..47 GUARD_INSTALL
22 T0 read 46
23 T0 madvise 48..49 GUARD_INSTALL
24 T0 read 48
25 T0 madvise 50..51 GUARD_INSTALL
26 T0 read 50
27 T0 madvise 52..53 GUARD_INSTALL
28 T0 read 52
29 T0 madvise 54..55 GUARD_INSTALL
30 T0 read 54
31 T0 madvise 56..57 GUARD_INSTALL
32 T0 read 56
33 T0 madvise 58..59 GUARD_INSTALL
34 T0 read 58
35 T0 madvise 60..61 GUARD_INSTALL
36 T0 read 60
37 T0 madvise 62..63 GUARD_INSTALL
38 T0 read 62
39 T0 read 8
40 T0 read 10
41 T0 read 12
42 T0 exit
