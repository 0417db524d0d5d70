# mmfarm scenario 1
# title: ksft-merge, lines 354 to 448
# expect: clean
# origin: strace:ksft-merge
config pmd_order=3 frames=64 pages=96
1 T0 mmap 42..43 rw shared anon
2 T0 fork T1
3 T1 mmap 41..42 rw shared anon
4 T1 fork T2
5 T2 mmap 11..41 none private anon
6 T2 mmap 12..17 rw private anon
7 T2 mmap 18..23 rw private anon
8 T2 mremap 18..23 to 58
9 T2 mremap 58..63 to 17
10 T2 munmap 11..41
11 T2 exit
12 T1 munmap 41..42
13 T1 exit
14 T0 fork T3
15 T3 mmap 41..42 rw shared anon
16 T3 fork T4
17 T4 mmap 11..41 none private anon
18 T4 mmap 17..22 rw private anon
19 T4 mmap 25..30 rw private anon
20 T4 mremap 25..30 to 65
21 T4 mremap 65..70 to 12
22 T4 munmap 11..41
23 T4 exit
24 T3 munmap 41..42
25 T3 exit
26 T0 fork T5
27 T5 mmap 41..42 rw shared anon
28 T5 fork T6
29 T6 mmap 11..41 none private anon
30 T6 mmap 12..17 rw private anon
31 T6 mmap 18..23 rw private anon
32 T6 mmap 25..30 rw private anon
33 T6 mremap 25..30 to 81
34 T6 mremap 18..23 to 58
35 T6 mremap 81..86 to 22
36 T6 mremap 58..63 to 17
37 T6 munmap 11..41
38 T6 exit
39 T5 munmap 41..42
40 T5 exit
41 T0 fork T7
42 T7 mmap 41..42 rw shared anon
