# mmfarm scenario 1
# title: ksft-guard-regions, lines 3753 to 3842
# expect: clean
# origin: strace:ksft-guard-regions
config pmd_order=3 frames=128
1 T0 mmap 36..37 rw shared anon
2 T0 fork T1
3 T1 mmap 35..36 rw shared anon
4 T1 mmap 33..35 rw shared anon
5 T1 fork T2
6 T2 memfd f0 20
7 T2 mmap 23..33 rw shared f0
8 T2 madvise 23..33 SEQUENTIAL
9 T2 madvise 23..24 GUARD_INSTALL
10 T2 madvise 25..26 GUARD_INSTALL
11 T2 madvise 27..28 GUARD_INSTALL
12 T2 madvise 29..30 GUARD_INSTALL
13 T2 madvise 31..32 GUARD_INSTALL
14 T2 madvise 23..33 PAGEOUT
15 T2 read 23
16 T2 read 25
17 T2 read 27
18 T2 read 29
19 T2 madvise 23..33 GUARD_REMOVE
20 T2 munmap 23..33
21 T2 exit
22 T1 munmap 35..36
23 T1 munmap 33..35
24 T1 exit
25 T0 fork T3
26 T3 mmap 35..36 rw shared anon
27 T3 mmap 33..35 rw shared anon
28 T3 fork T4
29 T4 memfd f1 20
30 T4 mmap 23..33 rw shared f1
31 T4 mmap 13..23 rw private f1
32 T4 madvise 23..24 GUARD_INSTALL
33 T4 madvise 25..26 GUARD_INSTALL
34 T4 madvise 27..28 GUARD_INSTALL
35 T4 madvise 29..30 GUARD_INSTALL
36 T4 madvise 31..32 GUARD_INSTALL
37 T4 read 23
38 T4 read 25
39 T4 read 27
40 T4 read 29
41 T4 madvise 13..14 GUARD_INSTALL
42 T4 madvise 15..16 GUARD_INSTALL
43 T4 madvise 17..18 GUARD_INSTALL
44 T4 madvise 19..20 GUARD_INSTALL
45 T4 madvise 21..22 GUARD_INSTALL
46 T4 read 23
47 T4 read 13
48 T4 read 25
49 T4 read 15
50 T4 madvise 23..33 GUARD_REMOVE
51 T4 read 13
52 T4 read 15
53 T4 read 17
54 T4 read 19
55 T4 madvise 13..23 GUARD_REMOVE
56 T4 madvise 13..18 GUARD_INSTALL
57 T4 read 13
58 T4 read 14
59 T4 read 15
60 T4 read 16
61 T4 madvise 13..23 GUARD_REMOVE
62 T4 munmap 23..33
63 T4 munmap 13..23
64 T4 exit
