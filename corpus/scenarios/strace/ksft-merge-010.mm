# mmfarm scenario 1
# title: ksft-merge, lines 622 to 701
# expect: clean
# origin: strace:ksft-merge
config pmd_order=3 frames=64
1 T0 mmap 42..43 rw shared anon
2 T0 fork T1
3 T1 mmap 41..42 rw shared anon
4 T1 fork T2
5 T2 mmap 11..41 none private anon
6 T2 mmap 12..15 rw private anon
7 T2 fork T3
8 T3 mremap 12..15 to 31
9 T3 mmap 15..18 rw private anon
10 T3 mremap 31..34 to 12 dontunmap
11 T3 munmap 11..41
12 T3 exit
13 T2 exit
14 T1 munmap 41..42
15 T1 exit
16 T0 fork T4
17 T4 mmap 41..42 rw shared anon
18 T4 fork T5
19 T5 mmap 11..41 none private anon
20 T5 mmap 15..18 rw private anon
21 T5 fork T6
22 T6 mremap 15..18 to 31
23 T6 mmap 12..15 rw private anon
24 T6 mmap 18..21 rw private anon
25 T6 mremap 31..34 to 15 dontunmap
26 T6 munmap 11..41
27 T6 exit
28 T5 exit
29 T4 munmap 41..42
30 T4 exit
31 T0 fork T7
32 T7 mmap 41..42 rw shared anon
