# mmfarm scenario 1
# title: ksft-guard-regions, lines 6848 to 6967
# expect: clean
# origin: strace:ksft-guard-regions
config pmd_order=3 frames=64
1 T0 mmap 28..29 rw shared anon
2 T0 fork T1
3 T1 mmap 27..28 rw shared anon
4 T1 mmap 25..27 rw shared anon
5 T1 fork T2
6 T2 mmap 15..25 rw shared x0
7 T2 munmap 15..25
8 T2 mmap 15..25 r shared x1
9 T2 madvise 15..16 GUARD_INSTALL
10 T2 madvise 17..18 GUARD_INSTALL
11 T2 madvise 19..20 GUARD_INSTALL
12 T2 madvise 21..22 GUARD_INSTALL
13 T2 madvise 23..24 GUARD_INSTALL
14 T2 read 15
15 T2 read 17
16 T2 read 19
17 T2 read 21
18 T2 madvise 15..25 GUARD_REMOVE
19 T2 munmap 15..25
20 T2 exit
21 T1 munmap 27..28
22 T1 munmap 25..27
23 T1 exit
24 T0 fork T3
25 T3 mmap 27..28 rw shared anon
26 T3 mmap 25..27 rw shared anon
27 T3 fork T4
28 T4 mmap 15..25 rw shared x2
29 T4 madvise 15..25 PAGEOUT
30 T4 munmap 15..25
31 T4 mmap 15..25 rw shared x2
32 T4 madvise 15..16 GUARD_INSTALL
33 T4 madvise 17..18 GUARD_INSTALL
34 T4 madvise 19..20 GUARD_INSTALL
35 T4 madvise 21..22 GUARD_INSTALL
36 T4 madvise 23..24 GUARD_INSTALL
37 T4 read 15
38 T4 read 17
39 T4 read 19
40 T4 read 21
41 T4 munmap 15..25
42 T4 exit
43 T3 munmap 27..28
44 T3 munmap 25..27
45 T3 exit
46 T0 fork T5
47 T5 mmap 27..28 rw shared anon
48 T5 mmap 25..27 rw shared anon
49 T5 fork T6
50 T6 mmap 15..25 rw shared x3
51 T6 madvise 15..16 GUARD_INSTALL
52 T6 madvise 17..18 GUARD_INSTALL
53 T6 madvise 19..20 GUARD_INSTALL
54 T6 madvise 21..22 GUARD_INSTALL
55 T6 madvise 23..24 GUARD_INSTALL
56 T6 read 15
57 T6 read 17
58 T6 read 19
59 T6 read 21
60 T6 munmap 15..25
61 T6 exit
62 T5 munmap 27..28
63 T5 munmap 25..27
64 T5 exit
