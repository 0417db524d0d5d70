# mmfarm scenario 1
# title: app-python, lines 1706 to 1762
# expect: clean
# origin: strace:app-python
config pmd_order=3 frames=64 pages=272
1 T0 mmap 10..18 rw private anon
2 T0 mmap 211..213 r private x0
3 T0 mmap 226..230 r private x0+15
4 T0 mmap 230..240 r private x0
5 T0 mmap 240..243 r private x0
6 T0 mmap 254..255 r private x0+4
7 T0 mmap 255..257 rw private x0+5
8 T0 mmap 228..230 rw private x0+16
9 T0 mprotect 228..229 r
10 T0 mprotect 255..256 r
11 T0 munmap 230..240
12 T0 mmap 199..211 r private x0
13 T0 mmap 202..206 rx private x0+3
14 T0 mmap 206..209 r private x0+7
15 T0 mmap 209..211 rw private x0+9
16 T0 mmap 230..240 r private x0
17 T0 mmap 152..199 r private x0
18 T0 mmap 156..185 rx private x0+4
19 T0 mmap 185..197 r private x0+33
20 T0 mmap 197..199 rw private x0+45
21 T0 mprotect 197..198 r
22 T0 mprotect 209..210 r
23 T0 munmap 230..240
24 T0 mmap 133..152 r private x0
25 T0 mmap 136..145 rx private x0+3
26 T0 mmap 145..150 r private x0+12
27 T0 mmap 150..152 rw private x0+16
28 T0 mprotect 150..151 r
29 T0 mmap 234..240 r private x0
30 T0 mmap 235..237 rx private x0+1
31 T0 mmap 237..238 r private x0+3
32 T0 mmap 238..240 rw private x0+3
33 T0 mprotect 238..239 r
34 T0 mmap 126..133 r private x0
35 T0 mmap 128..130 rx private x0+2
36 T0 mmap 130..131 r private x0+4
37 T0 mmap 131..133 rw private x0+4
38 T0 mprotect 131..132 r
39 T0 mmap 117..126 r private x0
40 T0 mmap 119..123 rx private x0+2
41 T0 mmap 123..124 r private x0+6
42 T0 mmap 124..126 rw private x0+6
43 T0 mprotect 124..125 r
44 T0 mmap 77..117 rw private anon
45 T0 mmap 66..77 rw private anon
46 T0 mmap 58..66 rw private anon
47 T0 munmap 77..117
48 T0 mmap 112..117 r private x0
49 T0 mmap 113..114 rx private x0+1
50 T0 mmap 114..115 r private x0+2
51 T0 mmap 115..117 rw private x0+2
52 T0 mprotect 115..116 r
53 T0 mmap 18..27 rw private anon
54 T0 mmap 27..36 rw private anon
55 T0 mmap 36..45 rw private anon
56 T0 mmap 103..112 r private x0
57 T0 mmap 105..108 rx private x0+2
58 T0 mmap 108..110 r private x0+5
59 T0 mmap 110..112 rw private x0+6
60 T0 mprotect 110..111 r
61 T0 mmap 90..103 r private x0
62 T0 mmap 93..98 rx private x0+3
63 T0 mmap 98..101 r private x0+8
64 T0 mmap 101..103 rw private x0+11
