# mmfarm scenario 1
# title: app-python, lines 40 to 72
# expect: clean
# origin: strace:app-python
config pmd_order=3 frames=64 pages=328
1 T0 mmap 12..16 rw private x0
2 T0 mmap 314..316 rw private x1
3 T0 mmap 303..305 rw private anon
4 T0 mmap 293..303 r private x2
5 T0 mmap 242..293 r private x2
6 T0 mmap 257..274 rx private x2+15
7 T0 mmap 274..288 r private x2+32
8 T0 mmap 288..293 rw private x2+45
9 T0 mmap 120..242 r private x2
10 T0 mmap 158..196 rx private x2+38
11 T0 mmap 196..223 r private x2+76
12 T0 mmap 223..229 rw private x2+103
13 T0 mmap 229..242 rw private anon
14 T0 mmap 117..120 rw private anon
15 T0 mprotect 223..227 r
16 T0 mprotect 288..292 r
17 T0 mprotect 12..16 r
18 T0 mprotect 314..316 r
19 T0 munmap 293..303
20 T0 mmap 27..36 rw private anon
21 T0 mmap 302..303 r private x2
22 T0 mmap 295..302 r shared x2
23 T0 mmap 294..295 r private x2
24 T0 mmap 293..294 r private x2
25 T0 mmap 116..117 r private x2
26 T0 mmap 115..116 r private x2
27 T0 mmap 114..115 r private x2
28 T0 mmap 113..114 r private x2
29 T0 mmap 112..113 r private x2
30 T0 mmap 111..112 r private x2
31 T0 mmap 110..111 r private x2
32 T0 mmap 109..110 r private x2
33 T0 mmap 46..109 r private x2
34 T0 exit
