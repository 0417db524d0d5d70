# mmfarm scenario 1
# title: ksft-guard-regions, lines 5739 to 6011
# expect: clean
# origin: strace:ksft-guard-regions
config pmd_order=3 frames=128 pages=80
1 T0 mmap 68..69 rw shared anon
2 T0 fork T1
3 T1 mmap 67..68 rw shared anon
4 T1 mmap 65..67 rw shared anon
5 T1 fork T2
6 T2 memfd f0 20
7 T2 mmap 55..65 rw shared f0
8 T2 madvise 55..56 GUARD_INSTALL
9 T2 madvise 55..56 GUARD_REMOVE
10 T2 madvise 55..56 GUARD_INSTALL
11 T2 madvise 56..57 GUARD_INSTALL
12 T2 madvise 57..58 GUARD_INSTALL
13 T2 madvise 58..59 GUARD_INSTALL
14 T2 madvise 59..60 GUARD_INSTALL
15 T2 madvise 60..61 GUARD_INSTALL
16 T2 madvise 61..62 GUARD_INSTALL
17 T2 madvise 62..63 GUARD_INSTALL
18 T2 madvise 63..64 GUARD_INSTALL
19 T2 madvise 64..65 GUARD_INSTALL
20 T2 munmap 59..60
21 T2 mmap 59..60 rw shared f0+4
22 T2 exit
23 T1 munmap 67..68
24 T1 munmap 65..67
25 T1 exit
26 T0 fork T3
27 T3 mmap 67..68 rw shared anon
28 T3 mmap 65..67 rw shared anon
29 T3 fork T4
30 T4 mmap 55..65 rw shared x0
31 T4 madvise 55..56 GUARD_INSTALL
32 T4 read 55
33 T4 madvise 64..65 GUARD_INSTALL
34 T4 read 55
35 T4 read 64
36 T4 madvise 55..56 GUARD_REMOVE
37 T4 madvise 64..65 GUARD_REMOVE
38 T4 madvise 55..58 GUARD_INSTALL
39 T4 read 55
40 T4 read 56
41 T4 read 57
42 T4 madvise 55..65 GUARD_REMOVE
43 T4 madvise 55..65 GUARD_REMOVE
44 T4 munmap 55..65
45 T4 exit
46 T3 munmap 67..68
47 T3 munmap 65..67
48 T3 exit
49 T0 fork T5
50 T5 mmap 67..68 rw shared anon
51 T5 mmap 65..67 rw shared anon
52 T5 fork T6
53 T6 mmap 13..65 none shared x1
54 T6 mmap 13..23 rw shared x1
55 T6 mmap 31..36 rw shared x1
56 T6 mmap 45..65 rw shared x1
57 T6 munmap 23..31
58 T6 munmap 36..45
59 T6 madvise 13..65 GUARD_INSTALL
60 T6 read 13
61 T6 read 14
62 T6 read 15
63 T6 read 16
64 T6 madvise 13..65 GUARD_REMOVE
