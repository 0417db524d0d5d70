# mmfarm scenario 1
# title: ksft-guard-regions, lines 7144 to 7211
# expect: clean
# origin: strace:ksft-guard-regions
config pmd_order=3 frames=256 pages=104
1 T0 mmap 92..93 rw shared anon
2 T0 fork T1
3 T1 mmap 91..92 rw shared anon
4 T1 mmap 89..91 rw shared anon
5 T1 fork T2
6 T2 mmap 8..80 r shared x0
7 T2 madvise 8..80 POPULATE_READ
8 T2 madvise 8..9 GUARD_INSTALL
9 T2 read 8
10 T2 madvise 10..11 GUARD_INSTALL
11 T2 read 10
12 T2 madvise 12..13 GUARD_INSTALL
13 T2 read 12
14 T2 madvise 14..15 GUARD_INSTALL
15 T2 read 14
16 T2 madvise 16..17 GUARD_INSTALL
17 T2 read 16
18 T2 madvise 18..19 GUARD_INSTALL
19 T2 read 18
20 T2 madvise 20..21 GUARD_INSTALL
21 T2 read 20
22 T2 madvise 22..23 GUARD_INSTALL
23 T2 read 22
24 T2 madvise 24..25 GUARD_INSTALL
25 T2 read 24
26 T2 madvise 26..27 GUARD_INSTALL
27 T2 read 26
28 T2 madvise 28..29 GUARD_INSTALL
29 T2 read 28
30 T2 madvise 30..31 GUARD_INSTALL
31 T2 read 30
32 T2 madvise 32..33 GUARD_INSTALL
33 T2 read 32
34 T2 madvise 34..35 GUARD_INSTALL
35 T2 read 34
36 T2 madvise 36..37 GUARD_INSTALL
37 T2 read 36
38 T2 madvise 38..39 GUARD_INSTALL
39 T2 read 38
40 T2 madvise 40..41 GUARD_INSTALL
41 T2 read 40
42 T2 madvise 42..43 GUARD_INSTALL
43 T2 read 42
44 T2 madvise 44..45 GUARD_INSTALL
45 T2 read 44
46 T2 madvise 46..47 GUARD_INSTALL
47 T2 read 46
48 T2 madvise 48..49 GUARD_INSTALL
49 T2 read 48
50 T2 madvise 50..51 GUARD_INSTALL
51 T2 read 50
52 T2 madvise 52..53 GUARD_INSTALL
53 T2 read 52
54 T2 madvise 54..55 GUARD_INSTALL
55 T2 read 54
56 T2 madvise 56..57 GUARD_INSTALL
57 T2 read 56
58 T2 madvise 58..59 GUARD_INSTALL
59 T2 read 58
60 T2 madvise 60..61 GUARD_INSTALL
61 T2 read 60
62 T2 madvise 62..63 GUARD_INSTALL
63 T2 read 62
64 T2 madvise 64..65 GUARD_INSTALL
