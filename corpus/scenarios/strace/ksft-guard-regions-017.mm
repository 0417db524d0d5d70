# mmfarm scenario 1
# title: ksft-guard-regions, lines 1172 to 1235
# expect: clean
# origin: strace:ksft-guard-regions
config pmd_order=3 frames=128 pages=96
1 T0 mmap 84..85 rw shared anon
2 T0 fork T1
3 T1 mmap 83..84 rw shared anon
4 T1 mmap 81..83 rw shared anon
5 T1 fork T2
6 T2 mmap 8..72 r private anon
7 T2 madvise 8..72 NOHUGEPAGE
8 T2 madvise 8..72 POPULATE_READ
9 T2 madvise 8..9 GUARD_INSTALL
10 T2 read 8
11 T2 madvise 10..11 GUARD_INSTALL
12 T2 read 10
13 T2 madvise 12..13 GUARD_INSTALL
14 T2 read 12
15 T2 madvise 14..15 GUARD_INSTALL
16 T2 read 14
17 T2 madvise 16..17 GUARD_INSTALL
18 T2 read 16
19 T2 madvise 18..19 GUARD_INSTALL
20 T2 read 18
21 T2 madvise 20..21 GUARD_INSTALL
22 T2 read 20
23 T2 madvise 22..23 GUARD_INSTALL
24 T2 read 22
25 T2 madvise 24..25 GUARD_INSTALL
26 T2 read 24
27 T2 madvise 26..27 GUARD_INSTALL
28 T2 read 26
29 T2 madvise 28..29 GUARD_INSTALL
30 T2 read 28
31 T2 madvise 30..31 GUARD_INSTALL
32 T2 read 30
33 T2 madvise 32..33 GUARD_INSTALL
34 T2 read 32
35 T2 madvise 34..35 GUARD_INSTALL
36 T2 read 34
37 T2 madvise 36..37 GUARD_INSTALL
38 T2 read 36
39 T2 madvise 38..39 GUARD_INSTALL
40 T2 read 38
41 T2 madvise 40..41 GUARD_INSTALL
42 T2 read 40
43 T2 madvise 42..43 GUARD_INSTALL
44 T2 read 42
45 T2 madvise 44..45 GUARD_INSTALL
46 T2 read 44
47 T2 madvise 46..47 GUARD_INSTALL
48 T2 read 46
49 T2 madvise 48..49 GUARD_INSTALL
50 T2 read 48
51 T2 madvise 50..51 GUARD_INSTALL
52 T2 read 50
53 T2 madvise 52..53 GUARD_INSTALL
54 T2 read 52
55 T2 madvise 54..55 GUARD_INSTALL
56 T2 read 54
57 T2 madvise 56..57 GUARD_INSTALL
58 T2 read 56
59 T2 madvise 58..59 GUARD_INSTALL
60 T2 read 58
61 T2 madvise 60..61 GUARD_INSTALL
62 T2 read 60
63 T2 madvise 62..63 GUARD_INSTALL
64 T2 read 62
