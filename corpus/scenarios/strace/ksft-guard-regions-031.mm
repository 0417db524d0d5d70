# mmfarm scenario 1
# title: ksft-guard-regions, lines 3234 to 3343
# expect: clean
# origin: strace:ksft-guard-regions
config pmd_order=3 frames=128
1 T0 mmap 28..29 rw shared anon
2 T0 fork T1
3 T1 mmap 27..28 rw shared anon
4 T1 mmap 25..27 rw shared anon
5 T1 fork T2
6 T2 memfd f0 20
7 T2 mmap 15..25 rw shared f0
8 T2 madvise 15..25 GUARD_INSTALL
9 T2 read 15
10 T2 read 16
11 T2 read 17
12 T2 read 18
13 T2 munmap 17..18
14 T2 munmap 20..21
15 T2 munmap 23..24
16 T2 read 15
17 T2 read 16
18 T2 read 17
19 T2 read 18
20 T2 mmap 17..18 rw shared f0
21 T2 mmap 20..21 rw shared f0
22 T2 mmap 23..24 rw shared f0
23 T2 read 15
24 T2 read 16
25 T2 read 18
26 T2 read 19
27 T2 madvise 15..25 GUARD_INSTALL
28 T2 read 15
29 T2 read 16
30 T2 read 17
31 T2 read 18
32 T2 mprotect 15..18 r
33 T2 mprotect 22..25 r
34 T2 read 15
35 T2 read 16
36 T2 read 17
37 T2 read 18
38 T2 mprotect 15..18 rw
39 T2 mprotect 22..25 rw
40 T2 read 15
41 T2 read 16
42 T2 read 17
43 T2 read 18
44 T2 mprotect 15..18 r
45 T2 mprotect 22..25 r
46 T2 madvise 15..25 GUARD_REMOVE
47 T2 mprotect 15..18 rw
48 T2 mprotect 22..25 rw
49 T2 munmap 15..25
50 T2 exit
51 T1 munmap 27..28
52 T1 munmap 25..27
53 T1 exit
54 T0 fork T3
55 T3 mmap 27..28 rw shared anon
56 T3 mmap 25..27 rw shared anon
57 T3 fork T4
58 T4 memfd f1 20
59 T4 mmap 15..25 rw shared f1
60 T4 madvise 15..16 GUARD_INSTALL
61 T4 madvise 17..18 GUARD_INSTALL
62 T4 madvise 19..20 GUARD_INSTALL
63 T4 madvise 21..22 GUARD_INSTALL
64 T4 madvise 23..24 GUARD_INSTALL
