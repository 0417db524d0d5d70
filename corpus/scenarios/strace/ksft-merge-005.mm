# mmfarm scenario 1
# title: ksft-merge, lines 250 to 347
# expect: clean
# origin: strace:ksft-merge
config pmd_order=3 frames=64
1 T0 mmap 34..35 rw shared anon
2 T0 fork T1
3 T1 mmap 33..34 rw shared anon
4 T1 fork T2
5 T2 mmap 11..33 none private anon
6 T2 mmap 12..17 rw private anon noreserve
7 T2 fork T3
8 T3 mmap 17..22 rwx private anon noreserve
9 T3 mprotect 12..17 rwx
10 T3 munmap 11..33
11 T3 exit
12 T2 exit
13 T1 munmap 33..34
14 T1 exit
15 T0 fork T4
16 T4 mmap 33..34 rw shared anon
17 T4 fork T5
18 T5 mmap 11..33 none private anon
19 T5 mmap 12..22 x private x0
20 T5 mremap 12..13 to 17..19
21 T5 mremap 17..18 to 12
22 T5 munmap 11..33
23 T5 exit
24 T4 munmap 33..34
25 T4 exit
26 T0 fork T6
27 T6 mmap 33..34 rw shared anon
28 T6 fork T7
29 T7 mmap 11..33 none private anon
30 T7 mmap 12..13 rw private anon
31 T7 mmap 13..14 rw private anon
32 T7 munmap 13..14
33 T7 mmap 13..14 rw private anon
34 T7 munmap 12..14
35 T7 mmap 12..13 rw private anon
36 T7 mmap 13..14 rw private anon
37 T7 munmap 11..33
38 T7 exit
39 T6 munmap 33..34
40 T6 exit
