# mmfarm scenario 1
# title: app-python, lines 680 to 1498
# expect: clean
# origin: strace:app-python
config pmd_order=3 frames=64 pages=336
1 T0 mmap 15..19 rw private x0
2 T0 mmap 326..328 rw private x1
3 T0 mmap 315..317 rw private anon
4 T0 mmap 305..315 r private x2
5 T0 mmap 254..305 r private x2
6 T0 mmap 269..286 rx private x2+15
7 T0 mmap 286..300 r private x2+32
8 T0 mmap 300..305 rw private x2+45
9 T0 mmap 132..254 r private x2
10 T0 mmap 170..208 rx private x2+38
11 T0 mmap 208..235 r private x2+76
12 T0 mmap 235..241 rw private x2+103
13 T0 mmap 241..254 rw private anon
14 T0 mmap 129..132 rw private anon
15 T0 mprotect 235..239 r
16 T0 mprotect 300..304 r
17 T0 mprotect 15..19 r
18 T0 mprotect 326..328 r
19 T0 munmap 305..315
20 T0 mmap 30..39 rw private anon
21 T0 mmap 314..315 r private x2
22 T0 mmap 307..314 r shared x2
23 T0 mmap 306..307 r private x2
24 T0 mmap 305..306 r private x2
25 T0 mmap 128..129 r private x2
26 T0 mmap 127..128 r private x2
27 T0 mmap 126..127 r private x2
28 T0 mmap 125..126 r private x2
29 T0 mmap 124..125 r private x2
30 T0 mmap 123..124 r private x2
31 T0 mmap 122..123 r private x2
32 T0 mmap 121..122 r private x2
33 T0 mmap 58..121 r private x2
34 T0 fork T1
35 T1 exit
36 T0 fork T2
37 T2 fork T3
38 T3 exit
39 T2 exit
40 T0 fork T4
41 T4 exit
42 T0 fork T5
43 T5 exit
44 T0 mmap 39..48 rw private anon
45 T0 exit
