# mmfarm scenario 1
# title: app-python, lines 1304 to 1438
# expect: clean
# origin: strace:app-python
config pmd_order=3 frames=64 pages=360
1 T0 mmap 15..19 rw private x0
2 T0 mmap 344..346 rw private x1
3 T0 mmap 333..335 rw private anon
4 T0 mmap 323..333 r private x2
5 T0 mmap 272..323 r private x2
6 T0 mmap 287..304 rx private x2+15
7 T0 mmap 304..318 r private x2+32
8 T0 mmap 318..323 rw private x2+45
9 T0 mmap 150..272 r private x2
10 T0 mmap 188..226 rx private x2+38
11 T0 mmap 226..253 r private x2+76
12 T0 mmap 253..259 rw private x2+103
13 T0 mmap 259..272 rw private anon
14 T0 mmap 147..150 rw private anon
15 T0 mprotect 253..257 r
16 T0 mprotect 318..322 r
17 T0 mprotect 15..19 r
18 T0 mprotect 344..346 r
19 T0 munmap 323..333
20 T0 mmap 34..43 rw private anon
21 T0 mmap 332..333 r private x2
22 T0 mmap 325..332 r shared x2
23 T0 mmap 324..325 r private x2
24 T0 mmap 323..324 r private x2
25 T0 mmap 146..147 r private x2
26 T0 mmap 145..146 r private x2
27 T0 mmap 144..145 r private x2
28 T0 mmap 143..144 r private x2
29 T0 mmap 142..143 r private x2
30 T0 mmap 141..142 r private x2
31 T0 mmap 140..141 r private x2
32 T0 mmap 139..140 r private x2
33 T0 mmap 76..139 r private x2
34 T0 fork T1
35 T1 exit
36 T0 mmap 43..62 rw private anon
37 T0 munmap 54..62
38 T0 fork T2
39 T2 fork T3
40 T3 fork T4
41 T4 exit
42 T3 exit
43 T2 exit
44 T0 fork T5
45 T5 fork T6
46 T6 fork T7
47 T7 exit
48 T6 exit
49 T5 exit
