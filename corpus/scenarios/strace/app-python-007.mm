# mmfarm scenario 1
# title: app-python, lines 262 to 1641
# expect: clean
# origin: strace:app-python
config pmd_order=3 frames=64 pages=336
1 T0 mmap 13..17 rw private x0
2 T0 mmap 322..324 rw private x1
3 T0 mmap 311..313 rw private anon
4 T0 mmap 301..311 r private x2
5 T0 mmap 250..301 r private x2
6 T0 mmap 265..282 rx private x2+15
7 T0 mmap 282..296 r private x2+32
8 T0 mmap 296..301 rw private x2+45
9 T0 mmap 128..250 r private x2
10 T0 mmap 166..204 rx private x2+38
11 T0 mmap 204..231 r private x2+76
12 T0 mmap 231..237 rw private x2+103
13 T0 mmap 237..250 rw private anon
14 T0 mmap 125..128 rw private anon
15 T0 mprotect 231..235 r
16 T0 mprotect 296..300 r
17 T0 mprotect 13..17 r
18 T0 mprotect 322..324 r
19 T0 munmap 301..311
20 T0 mmap 30..39 rw private anon
21 T0 mmap 310..311 r private x2
22 T0 mmap 303..310 r shared x2
23 T0 mmap 302..303 r private x2
24 T0 mmap 301..302 r private x2
25 T0 mmap 124..125 r private x2
26 T0 mmap 123..124 r private x2
27 T0 mmap 122..123 r private x2
28 T0 mmap 121..122 r private x2
29 T0 mmap 120..121 r private x2
30 T0 mmap 119..120 r private x2
31 T0 mmap 118..119 r private x2
32 T0 mmap 117..118 r private x2
33 T0 mmap 54..117 r private x2
34 T0 fork T1
35 T1 exit
36 T0 fork T2
37 T2 exit
38 T0 fork T3
39 T3 exit
40 T0 exit
