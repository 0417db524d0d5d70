# mmfarm scenario 1
# title: app-python, lines 1822 to 1884
# expect: clean
# origin: strace:app-python
config pmd_order=3 frames=64 pages=472
1 T0 mmap 135..459 rw private anon
2 T0 mmap 126..135 rw private anon
3 T0 mmap 117..126 rw private anon
4 T0 mmap 108..117 rw private anon
5 T0 mmap 99..108 rw private anon
6 T0 mmap 90..99 rw private anon
7 T0 mmap 81..90 rw private anon
8 T0 mmap 72..81 rw private anon
9 T0 mmap 63..72 rw private anon
10 T0 mmap 54..63 rw private anon
11 T0 mmap 45..54 rw private anon
12 T0 mmap 36..45 rw private anon
13 T0 mmap 27..36 rw private anon
14 T0 mmap 18..27 rw private anon
15 T0 mmap 9..18 rw private anon
16 T0 munmap 9..18
17 T0 munmap 18..27
18 T0 munmap 27..36
19 T0 munmap 36..45
20 T0 munmap 45..54
21 T0 munmap 54..63
22 T0 munmap 63..72
23 T0 munmap 72..81
24 T0 munmap 81..90
25 T0 munmap 90..99
26 T0 munmap 99..108
27 T0 munmap 108..117
28 T0 munmap 117..126
29 T0 munmap 126..135
30 T0 munmap 135..144
31 T0 munmap 144..153
32 T0 munmap 153..162
33 T0 munmap 162..171
34 T0 munmap 171..180
35 T0 munmap 180..189
36 T0 munmap 189..198
37 T0 munmap 198..207
38 T0 munmap 207..216
39 T0 munmap 216..225
40 T0 munmap 225..234
41 T0 munmap 234..243
42 T0 munmap 243..252
43 T0 munmap 252..261
44 T0 munmap 261..270
45 T0 munmap 270..279
46 T0 munmap 279..288
47 T0 munmap 288..297
48 T0 munmap 297..306
49 T0 munmap 306..315
50 T0 munmap 315..324
51 T0 munmap 324..333
52 T0 munmap 333..342
53 T0 munmap 342..351
54 T0 munmap 351..360
55 T0 munmap 360..369
56 T0 munmap 369..378
57 T0 munmap 378..387
58 T0 munmap 387..396
59 T0 munmap 396..405
60 T0 munmap 405..414
61 T0 munmap 414..423
62 T0 munmap 423..432
63 T0 munmap 432..441
64 T0 munmap 441..450
