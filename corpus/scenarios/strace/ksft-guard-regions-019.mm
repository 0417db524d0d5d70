# mmfarm scenario 1
# title: ksft-guard-regions, lines 1299 to 1361
# expect: clean
# origin: strace:ksft-guard-regions
config pmd_order=3 frames=64 pages=104
1 T0 mmap 8..96 r private anon
2 T0 read 22
3 T0 madvise 24..25 GUARD_INSTALL
4 T0 read 24
5 T0 madvise 26..27 GUARD_INSTALL
6 T0 read 26
7 T0 madvise 28..29 GUARD_INSTALL
8 T0 read 28
9 T0 madvise 30..31 GUARD_INSTALL
10 T0 read 30
11 T0 madvise 32..33 GUARD_INSTALL
12 T0 read 32
13 T0 madvise 34..35 GUARD_INSTALL
14 T0 read 34
15 T0 madvise 36..37 GUARD_INSTALL
16 T0 read 36
17 T0 madvise 38..39 GUARD_INSTALL
18 T0 read 38
19 T0 madvise 40..41 GUARD_INSTALL
20 T0 read 40
21 T0 madvise 42..43 GUARD_INSTALL
22 T0 read 42
23 T0 madvise 44..45 GUARD_INSTALL
24 T0 read 44
25 T0 madvise 46..47 GUARD_INSTALL
26 T0 read 46
27 T0 madvise 48..49 GUARD_INSTALL
28 T0 read 48
29 T0 madvise 50..51 GUARD_INSTALL
30 T0 read 50
31 T0 madvise 52..53 GUARD_INSTALL
32 T0 read 52
33 T0 madvise 54..55 GUARD_INSTALL
34 T0 read 54
35 T0 madvise 56..57 GUARD_INSTALL
36 T0 read 56
37 T0 madvise 58..59 GUARD_INSTALL
38 T0 read 58
39 T0 madvise 60..61 GUARD_INSTALL
40 T0 read 60
41 T0 madvise 62..63 GUARD_INSTALL
42 T0 read 62
43 T0 madvise 64..65 GUARD_INSTALL
44 T0 read 64
45 T0 madvise 66..67 GUARD_INSTALL
46 T0 read 66
47 T0 madvise 68..69 GUARD_INSTALL
48 T0 read 68
49 T0 madvise 70..71 GUARD_INSTALL
50 T0 read 70
51 T0 madvise 72..73 GUARD_INSTALL
52 T0 read 72
53 T0 madvise 74..75 GUARD_INSTALL
54 T0 read 74
55 T0 madvise 76..77 GUARD_INSTALL
56 T0 read 76
57 T0 madvise 78..79 GUARD_INSTALL
58 T0 read 78
59 T0 madvise 80..81 GUARD_INSTALL
60 T0 read 80
61 T0 madvise 82..83 GUARD_INSTALL
62 T0 read 82
63 T0 madvise 84..85 GUARD_INSTALL
64 T0 read 84
