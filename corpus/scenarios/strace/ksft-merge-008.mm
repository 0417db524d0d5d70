# mmfarm scenario 1
# title: ksft-merge, lines 480 to 585
# expect: clean
# origin: strace:ksft-merge
config pmd_order=3 frames=64 pages=104
1 T0 mmap 50..51 rw shared anon
2 T0 fork T1
3 T1 mmap 49..50 rw shared anon
4 T1 fork T2
5 T2 mmap 19..49 none private anon
6 T2 mmap 20..35 rw private anon
7 T2 munmap 25..30
8 T2 mmap 39..44 rw private anon
9 T2 mremap 39..44 to 25
10 T2 munmap 19..49
11 T2 exit
12 T1 munmap 49..50
13 T1 exit
14 T0 fork T3
15 T3 mmap 49..50 rw shared anon
16 T3 fork T4
17 T4 mmap 19..49 none private anon
18 T4 mmap 20..35 rw private anon
19 T4 mremap 30..35 to 86
20 T4 mremap 25..30 to 65
21 T4 mremap 65..70 to 25
22 T4 mremap 20..25 to 60
23 T4 mremap 60..65 to 20
24 T4 mremap 20..25 to 60
25 T4 mremap 86..91 to 30
26 T4 mremap 60..65 to 20
27 T4 mremap 25..30 to 65
28 T4 mremap 65..70 to 25
29 T4 mremap 30..35 to 70
30 T4 mremap 70..75 to 30
31 T4 munmap 19..49
32 T4 exit
33 T3 munmap 49..50
34 T3 exit
35 T0 fork T5
36 T5 mmap 49..50 rw shared anon
37 T5 fork T6
38 T6 mmap 19..49 none private anon
39 T6 mmap 14..19 none private anon
40 T6 mmap 15..16 rw private anon
41 T6 mmap 16..17 rwx private anon
42 T6 mmap 17..18 r private anon
43 T6 mprotect 15..16 rwx
44 T6 munmap 19..49
45 T6 exit
46 T5 munmap 49..50
47 T5 exit
48 T0 fork T7
49 T7 mmap 49..50 rw shared anon
