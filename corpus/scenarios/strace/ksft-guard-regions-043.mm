# mmfarm scenario 1
# title: ksft-guard-regions, lines 4141 to 4224
# expect: clean
# origin: strace:ksft-guard-regions
config pmd_order=3 frames=256 pages=88
1 T0 mmap 76..77 rw shared anon
2 T0 fork T1
3 T1 mmap 75..76 rw shared anon
4 T1 mmap 73..75 rw shared anon
5 T1 fork T2
6 T2 memfd f0 20
7 T2 mmap 63..73 rw shared f0
8 T2 madvise 63..64 GUARD_INSTALL
9 T2 madvise 65..66 GUARD_INSTALL
10 T2 madvise 67..68 GUARD_INSTALL
11 T2 madvise 69..70 GUARD_INSTALL
12 T2 madvise 71..72 GUARD_INSTALL
13 T2 munmap 63..73
14 T2 exit
15 T1 munmap 75..76
16 T1 munmap 73..75
17 T1 exit
18 T0 fork T3
19 T3 mmap 75..76 rw shared anon
20 T3 mmap 73..75 rw shared anon
21 T3 fork T4
22 T4 memfd f1 64
23 T4 mmap 9..73 r shared f1
24 T4 madvise 9..73 NOHUGEPAGE
25 T4 madvise 9..73 POPULATE_READ
26 T4 madvise 9..10 GUARD_INSTALL
27 T4 read 9
28 T4 madvise 11..12 GUARD_INSTALL
29 T4 read 11
30 T4 madvise 13..14 GUARD_INSTALL
31 T4 read 13
32 T4 madvise 15..16 GUARD_INSTALL
33 T4 read 15
34 T4 madvise 17..18 GUARD_INSTALL
35 T4 read 17
36 T4 madvise 19..20 GUARD_INSTALL
37 T4 read 19
38 T4 madvise 21..22 GUARD_INSTALL
39 T4 read 21
40 T4 madvise 23..24 GUARD_INSTALL
41 T4 read 23
42 T4 madvise 25..26 GUARD_INSTALL
43 T4 read 25
44 T4 madvise 27..28 GUARD_INSTALL
45 T4 read 27
46 T4 madvise 29..30 GUARD_INSTALL
47 T4 read 29
48 T4 madvise 31..32 GUARD_INSTALL
49 T4 read 31
50 T4 madvise 33..34 GUARD_INSTALL
51 T4 read 33
52 T4 madvise 35..36 GUARD_INSTALL
53 T4 read 35
54 T4 madvise 37..38 GUARD_INSTALL
55 T4 read 37
56 T4 madvise 39..40 GUARD_INSTALL
57 T4 read 39
58 T4 madvise 41..42 GUARD_INSTALL
59 T4 read 41
60 T4 madvise 43..44 GUARD_INSTALL
61 T4 read 43
62 T4 madvise 45..46 GUARD_INSTALL
63 T4 read 45
64 T4 madvise 47..48 GUARD_INSTALL
