# mmfarm scenario 1
# title: ksft-guard-regions, lines 7259 to 7321
# expect: clean
# origin: strace:ksft-guard-regions
config pmd_order=3 frames=64 pages=96
1 T0 mmap 8..88 r shared x0
2 T0 madvise 16..17 GUARD_INSTALL
3 T0 read 16
4 T0 madvise 18..19 GUARD_INSTALL
5 T0 read 18
6 T0 madvise 20..21 GUARD_INSTALL
7 T0 read 20
8 T0 madvise 22..23 GUARD_INSTALL
9 T0 read 22
10 T0 madvise 24..25 GUARD_INSTALL
11 T0 read 24
12 T0 madvise 26..27 GUARD_INSTALL
13 T0 read 26
14 T0 madvise 28..29 GUARD_INSTALL
15 T0 read 28
16 T0 madvise 30..31 GUARD_INSTALL
17 T0 read 30
18 T0 madvise 32..33 GUARD_INSTALL
19 T0 read 32
20 T0 madvise 34..35 GUARD_INSTALL
21 T0 read 34
22 T0 madvise 36..37 GUARD_INSTALL
23 T0 read 36
24 T0 madvise 38..39 GUARD_INSTALL
25 T0 read 38
26 T0 madvise 40..41 GUARD_INSTALL
27 T0 read 40
28 T0 madvise 42..43 GUARD_INSTALL
29 T0 read 42
30 T0 madvise 44..45 GUARD_INSTALL
31 T0 read 44
32 T0 madvise 46..47 GUARD_INSTALL
33 T0 read 46
34 T0 madvise 48..49 GUARD_INSTALL
35 T0 read 48
36 T0 madvise 50..51 GUARD_INSTALL
37 T0 read 50
38 T0 madvise 52..53 GUARD_INSTALL
39 T0 read 52
40 T0 madvise 54..55 GUARD_INSTALL
41 T0 read 54
42 T0 madvise 56..57 GUARD_INSTALL
43 T0 read 56
44 T0 madvise 58..59 GUARD_INSTALL
45 T0 read 58
46 T0 madvise 60..61 GUARD_INSTALL
47 T0 read 60
48 T0 madvise 62..63 GUARD_INSTALL
49 T0 read 62
50 T0 madvise 64..65 GUARD_INSTALL
51 T0 read 64
52 T0 madvise 66..67 GUARD_INSTALL
53 T0 read 66
54 T0 madvise 68..69 GUARD_INSTALL
55 T0 read 68
56 T0 madvise 70..71 GUARD_INSTALL
57 T0 read 70
58 T0 madvise 72..73 GUARD_INSTALL
59 T0 read 72
60 T0 madvise 74..75 GUARD_INSTALL
61 T0 read 74
62 T0 madvise 76..77 GUARD_INSTALL
63 T0 read 76
64 T0 madvise 78..79 GUARD_INSTALL
