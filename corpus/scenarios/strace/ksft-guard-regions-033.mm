# mmfarm scenario 1
# title: ksft-guard-regions, lines 3372 to 3480
# expect: clean
# origin: strace:ksft-guard-regions
config pmd_order=3 frames=256
1 T0 mmap 44..45 rw shared anon
2 T0 fork T1
3 T1 mmap 43..44 rw shared anon
4 T1 mmap 41..43 rw shared anon
5 T1 fork T2
6 T2 memfd f0 20
7 T2 mmap 31..41 rw shared f0
8 T2 madvise 31..41 GUARD_INSTALL
9 T2 madvise 31..36 GUARD_INSTALL
10 T2 read 31
11 T2 read 32
12 T2 read 33
13 T2 read 34
14 T2 madvise 31..41 GUARD_REMOVE
15 T2 munmap 31..41
16 T2 exit
17 T1 munmap 43..44
18 T1 munmap 41..43
19 T1 exit
20 T0 fork T3
21 T3 mmap 43..44 rw shared anon
22 T3 mmap 41..43 rw shared anon
23 T3 fork T4
24 T4 memfd f1 20
25 T4 mmap 36..41 rw shared f1
26 T4 madvise 36..37 GUARD_INSTALL
27 T4 madvise 40..41 GUARD_INSTALL
28 T4 read 36
29 T4 read 40
30 T4 mmap 31..36 none shared f1
31 T4 mremap 36..41 to 31
32 T4 read 31
33 T4 read 35
34 T4 munmap 31..36
35 T4 exit
36 T3 munmap 43..44
37 T3 munmap 41..43
38 T3 exit
39 T0 fork T5
40 T5 mmap 43..44 rw shared anon
41 T5 mmap 41..43 rw shared anon
42 T5 fork T6
43 T6 memfd f2 28
44 T6 mmap 31..41 rw shared f2
45 T6 munmap 36..41
46 T6 madvise 31..32 GUARD_INSTALL
47 T6 madvise 35..36 GUARD_INSTALL
48 T6 read 31
49 T6 read 35
50 T6 mremap 31..36 to 31..41
51 T6 read 31
52 T6 read 35
53 T6 mmap 11..31 none shared f2
54 T6 mremap 31..41 to 11..31
55 T6 read 11
56 T6 read 15
57 T6 munmap 11..31
58 T6 exit
59 T5 munmap 43..44
60 T5 munmap 41..43
61 T5 exit
62 T0 fork T7
63 T7 mmap 43..44 rw shared anon
64 T7 mmap 41..43 rw shared anon
