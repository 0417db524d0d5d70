# mmfarm scenario 1
# title: app-python, lines 587 to 626
# expect: clean
# origin: strace:app-python
config pmd_order=3 frames=64 pages=328
1 T0 mmap 14..18 rw private x0
2 T0 mmap 315..317 rw private x1
3 T0 mmap 304..306 rw private anon
4 T0 mmap 294..304 r private x2
5 T0 mmap 243..294 r private x2
6 T0 mmap 258..275 rx private x2+15
7 T0 mmap 275..289 r private x2+32
8 T0 mmap 289..294 rw private x2+45
9 T0 mmap 121..243 r private x2
10 T0 mmap 159..197 rx private x2+38
11 T0 mmap 197..224 r private x2+76
12 T0 mmap 224..230 rw private x2+103
13 T0 mmap 230..243 rw private anon
14 T0 mmap 118..121 rw private anon
15 T0 mprotect 224..228 r
16 T0 mprotect 289..293 r
17 T0 mprotect 14..18 r
18 T0 mprotect 315..317 r
19 T0 munmap 294..304
20 T0 mmap 29..38 rw private anon
21 T0 mmap 303..304 r private x2
22 T0 mmap 296..303 r shared x2
23 T0 mmap 295..296 r private x2
24 T0 mmap 294..295 r private x2
25 T0 mmap 117..118 r private x2
26 T0 mmap 116..117 r private x2
27 T0 mmap 115..116 r private x2
28 T0 mmap 114..115 r private x2
29 T0 mmap 113..114 r private x2
30 T0 mmap 112..113 r private x2
31 T0 mmap 111..112 r private x2
32 T0 mmap 110..111 r private x2
33 T0 mmap 47..110 r private x2
34 T0 fork T1
35 T1 exit
36 T0 exit
