# mmfarm scenario 1
# title: ksft-guard-regions, lines 3124 to 3208
# expect: clean
# origin: strace:ksft-guard-regions
config pmd_order=3 frames=256 pages=88
1 T0 mmap 76..77 rw shared anon
2 T0 fork T1
3 T1 mmap 75..76 rw shared anon
4 T1 mmap 73..75 rw shared anon
5 T1 fork T2
6 T2 memfd f0 60
7 T2 mmap 13..73 none shared f0
8 T2 mmap 14..24 rw shared f0 populate
9 T2 mmap 39..44 rw shared f0
10 T2 mmap 52..72 rw shared f0
11 T2 munmap 13..14
12 T2 munmap 24..39
13 T2 munmap 44..52
14 T2 munmap 72..73
15 T2 madvise 14..15 GUARD_INSTALL
16 T2 madvise 23..24 GUARD_INSTALL
17 T2 madvise 39..40 GUARD_INSTALL
18 T2 madvise 43..44 GUARD_INSTALL
19 T2 madvise 52..53 GUARD_INSTALL
20 T2 madvise 71..72 GUARD_INSTALL
21 T2 read 14
22 T2 read 23
23 T2 read 39
24 T2 read 43
25 T2 madvise 14..15 GUARD_REMOVE
26 T2 madvise 23..24 GUARD_REMOVE
27 T2 madvise 39..40 GUARD_REMOVE
28 T2 madvise 43..44 GUARD_REMOVE
29 T2 madvise 52..53 GUARD_REMOVE
30 T2 madvise 71..72 GUARD_REMOVE
31 T2 munmap 14..24
32 T2 munmap 39..44
33 T2 munmap 52..72
34 T2 exit
35 T1 munmap 75..76
36 T1 munmap 73..75
37 T1 exit
38 T0 fork T3
39 T3 mmap 75..76 rw shared anon
40 T3 mmap 73..75 rw shared anon
41 T3 fork T4
42 T4 memfd f1 20
43 T4 mmap 63..73 rw shared f1
44 T4 madvise 63..64 GUARD_INSTALL
45 T4 madvise 72..73 GUARD_INSTALL
46 T4 read 63
47 T4 read 72
48 T4 munmap 63..64
49 T4 munmap 72..73
50 T4 mmap 63..64 rw shared f1
51 T4 mmap 72..73 rw shared f1
52 T4 munmap 63..73
53 T4 exit
54 T3 munmap 75..76
55 T3 munmap 73..75
56 T3 exit
57 T0 fork T5
58 T5 mmap 75..76 rw shared anon
59 T5 mmap 73..75 rw shared anon
60 T5 fork T6
61 T6 memfd f2 20
62 T6 mmap 63..73 rw shared f2
63 T6 madvise 68..70 GUARD_INSTALL
64 T6 read 68
