# mmfarm scenario 1
# title: ksft-guard-regions, lines 3966 to 4067
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
8 T2 madvise 18..22 GUARD_INSTALL
9 T2 read 18
10 T2 read 19
11 T2 read 20
12 T2 read 21
13 T2 madvise 18..22 REMOVE
14 T2 read 18
15 T2 read 19
16 T2 read 20
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
28 T4 memfd f1 12
29 T4 memfd f2 10
30 T4 mmap 15..25 rw shared f2
31 T4 munmap 15..25
32 T4 mmap 15..25 r shared f2
33 T4 madvise 15..16 GUARD_INSTALL
34 T4 madvise 17..18 GUARD_INSTALL
35 T4 madvise 19..20 GUARD_INSTALL
36 T4 madvise 21..22 GUARD_INSTALL
37 T4 madvise 23..24 GUARD_INSTALL
38 T4 read 15
39 T4 read 17
40 T4 read 19
41 T4 read 21
42 T4 madvise 15..25 GUARD_REMOVE
43 T4 write 15
44 T4 write 16
45 T4 write 17
46 T4 write 18
47 T4 munmap 15..25
48 T4 exit
49 T3 munmap 27..28
50 T3 munmap 25..27
51 T3 exit
52 T0 fork T5
53 T5 mmap 27..28 rw shared anon
54 T5 mmap 25..27 rw shared anon
55 T5 fork T6
56 T6 memfd f3 20
57 T6 mmap 15..25 r shared f3
58 T6 madvise 15..16 GUARD_INSTALL
59 T6 madvise 17..18 GUARD_INSTALL
60 T6 madvise 19..20 GUARD_INSTALL
61 T6 madvise 21..22 GUARD_INSTALL
62 T6 madvise 23..24 GUARD_INSTALL
63 T6 read 15
64 T6 read 17
