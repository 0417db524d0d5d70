# mmfarm scenario 1
# title: app-python, lines 111 to 218
# expect: clean
# origin: strace:app-python
config pmd_order=3 frames=64 pages=344
1 T0 mmap 9..13 rw private x0
2 T0 mmap 332..334 rw private x1
3 T0 mmap 321..323 rw private anon
4 T0 mmap 311..321 r private x2
5 T0 mmap 260..311 r private x2
6 T0 mmap 275..292 rx private x2+15
7 T0 mmap 292..306 r private x2+32
8 T0 mmap 306..311 rw private x2+45
9 T0 mmap 138..260 r private x2
10 T0 mmap 176..214 rx private x2+38
11 T0 mmap 214..241 r private x2+76
12 T0 mmap 241..247 rw private x2+103
13 T0 mmap 247..260 rw private anon
14 T0 mmap 135..138 rw private anon
15 T0 mprotect 241..245 r
16 T0 mprotect 306..310 r
17 T0 mprotect 9..13 r
18 T0 mprotect 332..334 r
19 T0 munmap 311..321
20 T0 mmap 22..31 rw private anon
21 T0 mmap 320..321 r private x2
22 T0 mmap 313..320 r shared x2
23 T0 mmap 312..313 r private x2
24 T0 mmap 311..312 r private x2
25 T0 mmap 134..135 r private x2
26 T0 mmap 133..134 r private x2
27 T0 mmap 132..133 r private x2
28 T0 mmap 131..132 r private x2
29 T0 mmap 130..131 r private x2
30 T0 mmap 129..130 r private x2
31 T0 mmap 128..129 r private x2
32 T0 mmap 127..128 r private x2
33 T0 mmap 64..127 r private x2
34 T0 fork T1
35 T1 exit
36 T0 fork T2
37 T2 exit
38 T0 fork T3
39 T3 fork T4
40 T4 fork T5
41 T5 fork T6
42 T6 exit
43 T5 exit
44 T4 exit
45 T3 exit
46 T0 mmap 31..51 rw private anon
47 T0 munmap 43..51
48 T0 fork T7
49 T7 exit
50 T0 exit
