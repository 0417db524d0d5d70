# mmfarm scenario 1
# title: ksft-guard-regions, lines 114 to 311
# expect: clean
# origin: strace:ksft-guard-regions
config pmd_order=3 frames=128 pages=80
1 T0 mmap 68..69 rw shared anon
2 T0 fork T1
3 T1 mmap 67..68 rw shared anon
4 T1 mmap 65..67 rw shared anon
5 T1 fork T2
6 T2 mmap 13..65 none private anon
7 T2 mmap 13..23 rw private anon
8 T2 mmap 39..44 rw private anon
9 T2 mmap 53..65 rw private anon
10 T2 munmap 23..39
11 T2 munmap 44..53
12 T2 madvise 13..65 GUARD_INSTALL
13 T2 read 13
14 T2 read 14
15 T2 read 15
16 T2 read 16
17 T2 madvise 13..65 GUARD_REMOVE
18 T2 mmap 23..39 rwx private anon
19 T2 mmap 44..53 rwx private anon
20 T2 madvise 13..65 GUARD_INSTALL
21 T2 read 13
22 T2 read 14
23 T2 read 15
24 T2 read 16
25 T2 madvise 13..65 GUARD_REMOVE
26 T2 munmap 13..65
27 T2 exit
28 T1 munmap 67..68
29 T1 munmap 65..67
30 T1 exit
31 T0 fork T3
32 T3 mmap 67..68 rw shared anon
33 T3 mmap 65..67 rw shared anon
34 T3 fork T4
35 T4 mmap 13..65 none private anon
36 T4 mmap 14..24 rw private anon populate
37 T4 mmap 39..44 rw private anon
38 T4 mmap 52..64 rw private anon
39 T4 munmap 13..14
40 T4 munmap 24..39
41 T4 munmap 44..52
42 T4 munmap 64..65
43 T4 madvise 14..15 GUARD_INSTALL
44 T4 madvise 23..24 GUARD_INSTALL
45 T4 madvise 39..40 GUARD_INSTALL
46 T4 madvise 43..44 GUARD_INSTALL
47 T4 madvise 52..53 GUARD_INSTALL
48 T4 madvise 63..64 GUARD_INSTALL
49 T4 read 14
50 T4 read 23
51 T4 read 39
52 T4 read 43
53 T4 madvise 14..15 GUARD_REMOVE
54 T4 madvise 23..24 GUARD_REMOVE
55 T4 madvise 39..40 GUARD_REMOVE
56 T4 madvise 43..44 GUARD_REMOVE
57 T4 madvise 52..53 GUARD_REMOVE
58 T4 madvise 63..64 GUARD_REMOVE
59 T4 munmap 14..24
60 T4 munmap 39..44
61 T4 munmap 52..64
62 T4 exit
63 T3 munmap 67..68
64 T3 munmap 65..67
