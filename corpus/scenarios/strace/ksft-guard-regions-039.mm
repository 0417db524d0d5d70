# mmfarm scenario 1
# title: ksft-guard-regions, lines 3856 to 3959
# expect: clean
# origin: strace:ksft-guard-regions
config pmd_order=3 frames=256
1 T0 mmap 28..29 rw shared anon
2 T0 fork T1
3 T1 mmap 27..28 rw shared anon
4 T1 mmap 25..27 rw shared anon
5 T1 fork T2
6 T2 memfd f0 12
7 T2 exit
8 T1 munmap 27..28
9 T1 munmap 25..27
10 T1 exit
11 T0 fork T3
12 T3 mmap 27..28 rw shared anon
13 T3 mmap 25..27 rw shared anon
14 T3 fork T4
15 T4 memfd f1 20
16 T4 mmap 15..25 rw shared f1
17 T4 madvise 15..25 PAGEOUT
18 T4 munmap 15..25
19 T4 mmap 15..25 rw shared f1
20 T4 madvise 15..16 GUARD_INSTALL
21 T4 madvise 17..18 GUARD_INSTALL
22 T4 madvise 19..20 GUARD_INSTALL
23 T4 madvise 21..22 GUARD_INSTALL
24 T4 madvise 23..24 GUARD_INSTALL
25 T4 read 15
26 T4 read 17
27 T4 read 19
28 T4 read 21
29 T4 munmap 15..25
30 T4 exit
31 T3 munmap 27..28
32 T3 munmap 25..27
33 T3 exit
34 T0 fork T5
35 T5 mmap 27..28 rw shared anon
36 T5 mmap 25..27 rw shared anon
37 T5 fork T6
38 T6 memfd f2 20
39 T6 mmap 15..25 rw shared f2
40 T6 madvise 15..16 GUARD_INSTALL
41 T6 madvise 17..18 GUARD_INSTALL
42 T6 madvise 19..20 GUARD_INSTALL
43 T6 madvise 21..22 GUARD_INSTALL
44 T6 madvise 23..24 GUARD_INSTALL
45 T6 read 15
46 T6 read 17
47 T6 read 19
48 T6 read 21
49 T6 ftruncate f2 10
50 T6 read 15
51 T6 read 17
52 T6 read 19
53 T6 read 21
54 T6 ftruncate f2 5
55 T6 ftruncate f2 10
56 T6 read 15
57 T6 read 17
58 T6 read 19
59 T6 read 21
60 T6 munmap 15..25
61 T6 exit
62 T5 munmap 27..28
63 T5 munmap 25..27
64 T5 exit
