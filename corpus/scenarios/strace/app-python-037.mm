# mmfarm scenario 1
# title: app-python, lines 1547 to 1637
# expect: clean
# origin: strace:app-python
config pmd_order=3 frames=64 pages=344
1 T0 mmap 13..17 rw private x0
2 T0 mmap 331..333 rw private x1
3 T0 mmap 320..322 rw private anon
4 T0 mmap 310..320 r private x2
5 T0 mmap 259..310 r private x2
6 T0 mmap 274..291 rx private x2+15
7 T0 mmap 291..305 r private x2+32
8 T0 mmap 305..310 rw private x2+45
9 T0 mmap 137..259 r private x2
10 T0 mmap 175..213 rx private x2+38
11 T0 mmap 213..240 r private x2+76
12 T0 mmap 240..246 rw private x2+103
13 T0 mmap 246..259 rw private anon
14 T0 mmap 134..137 rw private anon
15 T0 mprotect 240..244 r
16 T0 mprotect 305..309 r
17 T0 mprotect 13..17 r
18 T0 mprotect 331..333 r
19 T0 munmap 310..320
20 T0 mmap 27..36 rw private anon
21 T0 mmap 319..320 r private x2
22 T0 mmap 312..319 r shared x2
23 T0 mmap 311..312 r private x2
24 T0 mmap 310..311 r private x2
25 T0 mmap 133..134 r private x2
26 T0 mmap 132..133 r private x2
27 T0 mmap 131..132 r private x2
28 T0 mmap 130..131 r private x2
29 T0 mmap 129..130 r private x2
30 T0 mmap 128..129 r private x2
31 T0 mmap 127..128 r private x2
32 T0 mmap 126..127 r private x2
33 T0 mmap 63..126 r private x2
34 T0 fork T1
35 T1 exit
36 T0 mmap 36..55 rw private anon
37 T0 munmap 47..55
38 T0 fork T2
39 T2 fork T3
40 T3 fork T4
41 T4 exit
42 T3 exit
43 T2 exit
44 T0 exit
