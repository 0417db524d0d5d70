# mmfarm scenario 1
# title: ksft-guard-regions, lines 6133 to 6220
# expect: clean
# origin: strace:ksft-guard-regions
config pmd_order=3 frames=128 pages=88
1 T0 mmap 76..77 rw shared anon
2 T0 fork T1
3 T1 mmap 75..76 rw shared anon
4 T1 mmap 73..75 rw shared anon
5 T1 fork T2
6 T2 mmap 13..73 none shared x0
7 T2 mmap 14..24 rw shared x0 populate
8 T2 mmap 39..44 rw shared x0
9 T2 mmap 52..72 rw shared x0
10 T2 munmap 13..14
11 T2 munmap 24..39
12 T2 munmap 44..52
13 T2 munmap 72..73
14 T2 madvise 14..15 GUARD_INSTALL
15 T2 madvise 23..24 GUARD_INSTALL
16 T2 madvise 39..40 GUARD_INSTALL
17 T2 madvise 43..44 GUARD_INSTALL
18 T2 madvise 52..53 GUARD_INSTALL
19 T2 madvise 71..72 GUARD_INSTALL
20 T2 read 14
21 T2 read 23
22 T2 read 39
23 T2 read 43
24 T2 madvise 14..15 GUARD_REMOVE
25 T2 madvise 23..24 GUARD_REMOVE
26 T2 madvise 39..40 GUARD_REMOVE
27 T2 madvise 43..44 GUARD_REMOVE
28 T2 madvise 52..53 GUARD_REMOVE
29 T2 madvise 71..72 GUARD_REMOVE
30 T2 munmap 14..24
31 T2 munmap 39..44
32 T2 munmap 52..72
33 T2 exit
34 T1 munmap 75..76
35 T1 munmap 73..75
36 T1 exit
37 T0 fork T3
38 T3 mmap 75..76 rw shared anon
39 T3 mmap 73..75 rw shared anon
40 T3 fork T4
41 T4 mmap 63..73 rw shared x1
42 T4 madvise 63..64 GUARD_INSTALL
43 T4 madvise 72..73 GUARD_INSTALL
44 T4 read 63
45 T4 read 72
46 T4 munmap 63..64
47 T4 munmap 72..73
48 T4 mmap 63..64 rw shared x1
49 T4 mmap 72..73 rw shared x1
50 T4 munmap 63..73
51 T4 exit
52 T3 munmap 75..76
53 T3 munmap 73..75
54 T3 exit
55 T0 fork T5
56 T5 mmap 75..76 rw shared anon
57 T5 mmap 73..75 rw shared anon
58 T5 fork T6
59 T6 mmap 63..73 rw shared x2
60 T6 madvise 68..70 GUARD_INSTALL
61 T6 read 68
62 T6 read 69
63 T6 mprotect 68..70 r
64 T6 read 68
