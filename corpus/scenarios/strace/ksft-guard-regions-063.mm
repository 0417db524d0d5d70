# mmfarm scenario 1
# title: ksft-guard-regions, lines 7110 to 7195
# expect: clean
# origin: strace:ksft-guard-regions
config pmd_order=3 frames=128 pages=104
1 T0 mmap 92..93 rw shared anon
2 T0 fork T1
3 T1 mmap 91..92 rw shared anon
4 T1 mmap 89..91 rw shared anon
5 T1 fork T2
6 T2 mmap 79..89 rw shared x0
7 T2 madvise 79..80 GUARD_INSTALL
8 T2 madvise 81..82 GUARD_INSTALL
9 T2 madvise 83..84 GUARD_INSTALL
10 T2 madvise 85..86 GUARD_INSTALL
11 T2 madvise 87..88 GUARD_INSTALL
12 T2 munmap 79..89
13 T2 exit
14 T1 munmap 91..92
15 T1 munmap 89..91
16 T1 exit
17 T0 fork T3
18 T3 mmap 91..92 rw shared anon
19 T3 mmap 89..91 rw shared anon
20 T3 fork T4
21 T4 mmap 8..64 r shared x1
22 T4 madvise 8..64 NOHUGEPAGE
23 T4 madvise 8..64 POPULATE_READ
24 T4 madvise 8..9 GUARD_INSTALL
25 T4 read 8
26 T4 madvise 10..11 GUARD_INSTALL
27 T4 read 10
28 T4 madvise 12..13 GUARD_INSTALL
29 T4 read 12
30 T4 madvise 14..15 GUARD_INSTALL
31 T4 read 14
32 T4 madvise 16..17 GUARD_INSTALL
33 T4 read 16
34 T4 madvise 18..19 GUARD_INSTALL
35 T4 read 18
36 T4 madvise 20..21 GUARD_INSTALL
37 T4 read 20
38 T4 madvise 22..23 GUARD_INSTALL
39 T4 read 22
40 T4 madvise 24..25 GUARD_INSTALL
41 T4 read 24
42 T4 madvise 26..27 GUARD_INSTALL
43 T4 read 26
44 T4 madvise 28..29 GUARD_INSTALL
45 T4 read 28
46 T4 madvise 30..31 GUARD_INSTALL
47 T4 read 30
48 T4 madvise 32..33 GUARD_INSTALL
49 T4 read 32
50 T4 madvise 34..35 GUARD_INSTALL
51 T4 read 34
52 T4 madvise 36..37 GUARD_INSTALL
53 T4 read 36
54 T4 madvise 38..39 GUARD_INSTALL
55 T4 read 38
56 T4 madvise 40..41 GUARD_INSTALL
57 T4 read 40
58 T4 madvise 42..43 GUARD_INSTALL
59 T4 read 42
60 T4 madvise 44..45 GUARD_INSTALL
61 T4 read 44
62 T4 madvise 46..47 GUARD_INSTALL
63 T4 read 46
64 T4 madvise 48..49 GUARD_INSTALL
