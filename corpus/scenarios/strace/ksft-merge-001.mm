# mmfarm scenario 1
# title: ksft-merge, lines 3 to 134
# expect: clean
# origin: strace:ksft-merge
config pmd_order=3 frames=64 pages=176
1 T0 mmap 10..11 rw private x0
2 T0 mmap 159..161 rw private x1
3 T0 mmap 148..150 rw private anon
4 T0 mmap 138..148 r private x2
5 T0 mmap 80..138 r private x3
6 T0 mmap 94..108 rx private x3+14
7 T0 mmap 108..119 r private x3+28
8 T0 mmap 119..125 rw private x3+39
9 T0 mmap 125..138 rw private anon
10 T0 mmap 77..80 rw private anon
11 T0 mprotect 119..123 r
12 T0 mprotect 10..11 r
13 T0 mprotect 159..161 r
14 T0 munmap 138..148
15 T0 mmap 147..148 rw shared anon
16 T0 mmap 146..147 rw shared anon
17 T0 mmap 145..146 rw shared anon
18 T0 mmap 144..145 rw shared anon
19 T0 mmap 143..144 rw shared anon
20 T0 mmap 142..143 rw shared anon
21 T0 mmap 141..142 rw shared anon
22 T0 mmap 140..141 rw shared anon
23 T0 mmap 139..140 rw shared anon
24 T0 mmap 138..139 rw shared anon
25 T0 mmap 76..77 rw shared anon
26 T0 mmap 75..76 rw shared anon
27 T0 mmap 74..75 rw shared anon
28 T0 mmap 73..74 rw shared anon
29 T0 mmap 72..73 rw shared anon
30 T0 mmap 71..72 rw shared anon
31 T0 mmap 70..71 rw shared anon
32 T0 mmap 69..70 rw shared anon
33 T0 mmap 68..69 rw shared anon
34 T0 mmap 67..68 rw shared anon
35 T0 mmap 66..67 rw shared anon
36 T0 mmap 22..31 rw private anon
37 T0 fork T1
38 T1 mmap 65..66 rw shared anon
39 T1 fork T2
40 T2 mmap 43..65 none private anon
41 T2 mmap 44..54 rw private anon noreserve
42 T2 mprotect 44..49 r
43 T2 mprotect 49..54 r
44 T2 munmap 43..65
45 T2 exit
46 T1 munmap 65..66
47 T1 exit
48 T0 fork T3
49 T3 mmap 65..66 rw shared anon
50 T3 fork T4
51 T4 mmap 43..65 none private anon
52 T4 mmap 44..54 rw private anon noreserve
53 T4 mprotect 49..54 r
54 T4 mprotect 44..49 r
55 T4 munmap 43..65
56 T4 exit
57 T3 munmap 65..66
58 T3 exit
59 T0 fork T5
60 T5 mmap 65..66 rw shared anon
61 T5 fork T6
62 T6 mmap 43..65 none private anon
63 T6 mmap 45..54 rw private anon noreserve
64 T6 mprotect 45..48 r
