# mmfarm scenario 1
# title: app-python, lines 1763 to 1821
# expect: clean
# origin: strace:app-python
config pmd_order=3 frames=64 pages=440
1 T0 mmap 10..21 rw private anon
2 T0 mmap 394..405 rw private anon
3 T0 mmap 418..421 r private x0
4 T0 mmap 426..429 r private x0+8
5 T0 mmap 429..431 rw private x0+11
6 T0 mprotect 429..430 r
7 T0 mmap 406..418 r private x1
8 T0 mmap 408..414 rx private x1+2
9 T0 mmap 414..416 r private x1+8
10 T0 mmap 416..418 rw private x1+9
11 T0 mprotect 416..417 r
12 T0 mmap 21..31 rw private anon
13 T0 mmap 387..394 r private x1
14 T0 mmap 388..390 rx private x1+1
15 T0 mmap 390..392 r private x1+3
16 T0 mmap 392..394 rw private x1+4
17 T0 mprotect 392..393 r
18 T0 mmap 380..387 r private x1
19 T0 mmap 382..384 rx private x1+2
20 T0 mmap 384..385 r private x1+4
21 T0 mmap 385..387 rw private x1+4
22 T0 mprotect 385..386 r
23 T0 mmap 371..380 r private x1
24 T0 mmap 373..376 rx private x1+2
25 T0 mmap 376..378 r private x1+5
26 T0 mmap 378..380 rw private x1+6
27 T0 mprotect 378..379 r
28 T0 mmap 363..371 rw private anon
29 T0 mmap 354..363 rw private anon
30 T0 mmap 345..354 rw private anon
31 T0 mmap 336..345 rw private anon
32 T0 mmap 327..336 rw private anon
33 T0 mmap 318..327 rw private anon
34 T0 mmap 309..318 rw private anon
35 T0 mmap 300..309 rw private anon
36 T0 mmap 291..300 rw private anon
37 T0 mmap 282..291 rw private anon
38 T0 mmap 273..282 rw private anon
39 T0 mmap 264..273 rw private anon
40 T0 mmap 255..264 rw private anon
41 T0 mmap 246..255 rw private anon
42 T0 mmap 237..246 rw private anon
43 T0 mmap 228..237 rw private anon
44 T0 mmap 219..228 rw private anon
45 T0 mmap 210..219 rw private anon
46 T0 mmap 201..210 rw private anon
47 T0 mmap 192..201 rw private anon
48 T0 mmap 183..192 rw private anon
49 T0 mmap 174..183 rw private anon
50 T0 mmap 165..174 rw private anon
51 T0 mmap 156..165 rw private anon
52 T0 mmap 147..156 rw private anon
53 T0 mmap 138..147 rw private anon
54 T0 mmap 129..138 rw private anon
55 T0 mmap 120..129 rw private anon
56 T0 mmap 111..120 rw private anon
57 T0 mmap 102..111 rw private anon
58 T0 mmap 93..102 rw private anon
59 T0 mmap 84..93 rw private anon
60 T0 mmap 75..84 rw private anon
61 T0 mmap 66..75 rw private anon
62 T0 mmap 57..66 rw private anon
63 T0 mmap 48..57 rw private anon
64 T0 mmap 39..48 rw private anon
