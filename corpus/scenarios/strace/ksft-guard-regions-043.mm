# mmfarm scenario 1
# title: ksft-guard-regions, lines 4200 to 4261
# expect: clean
# origin: strace:ksft-guard-regions
config pmd_order=3 frames=256 pages=112
1 T0 memfd f0 88
2 T0 mmap 9..97 r shared f0
3 T0 madvise 23..24 GUARD_INSTALL
4 T0 read 23
5 T0 madvise 25..26 GUARD_INSTALL
6 T0 read 25
7 T0 madvise 27..28 GUARD_INSTALL
8 T0 read 27
9 T0 madvise 29..30 GUARD_INSTALL
10 T0 read 29
11 T0 madvise 31..32 GUARD_INSTALL
12 T0 read 31
13 T0 madvise 33..34 GUARD_INSTALL
14 T0 read 33
15 T0 madvise 35..36 GUARD_INSTALL
16 T0 read 35
17 T0 madvise 37..38 GUARD_INSTALL
18 T0 read 37
19 T0 madvise 39..40 GUARD_INSTALL
20 T0 read 39
21 T0 madvise 41..42 GUARD_INSTALL
22 T0 read 41
23 T0 madvise 43..44 GUARD_INSTALL
24 T0 read 43
25 T0 madvise 45..46 GUARD_INSTALL
26 T0 read 45
27 T0 madvise 47..48 GUARD_INSTALL
28 T0 read 47
29 T0 madvise 49..50 GUARD_INSTALL
30 T0 read 49
31 T0 madvise 51..52 GUARD_INSTALL
32 T0 read 51
33 T0 madvise 53..54 GUARD_INSTALL
34 T0 read 53
35 T0 madvise 55..56 GUARD_INSTALL
36 T0 read 55
37 T0 madvise 57..58 GUARD_INSTALL
38 T0 read 57
39 T0 madvise 59..60 GUARD_INSTALL
40 T0 read 59
41 T0 madvise 61..62 GUARD_INSTALL
42 T0 read 61
43 T0 madvise 63..64 GUARD_INSTALL
44 T0 read 63
45 T0 madvise 65..66 GUARD_INSTALL
46 T0 read 65
47 T0 madvise 67..68 GUARD_INSTALL
48 T0 read 67
49 T0 madvise 69..70 GUARD_INSTALL
50 T0 read 69
51 T0 madvise 71..72 GUARD_INSTALL
52 T0 read 71
53 T0 madvise 73..74 GUARD_INSTALL
54 T0 read 73
55 T0 madvise 75..76 GUARD_INSTALL
56 T0 read 75
57 T0 madvise 77..78 GUARD_INSTALL
58 T0 read 77
59 T0 madvise 79..80 GUARD_INSTALL
60 T0 read 79
61 T0 madvise 81..82 GUARD_INSTALL
62 T0 read 81
63 T0 madvise 83..84 GUARD_INSTALL
64 T0 read 83
