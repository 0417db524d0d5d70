# mmfarm scenario 1
# title: app-python, lines 1643 to 1705
# expect: clean
# origin: strace:app-python
config pmd_order=3 frames=64 pages=1232
1 T0 mmap 12..13 rw private x0
2 T0 mmap 1217..1219 rw private x1
3 T0 mmap 1206..1208 rw private anon
4 T0 mmap 592..1130 r private x2
5 T0 mmap 653..777 rx private x2+117
6 T0 mmap 777..1005 r private x2+241
7 T0 mmap 1005..1064 rw private x2+468
8 T0 mmap 1064..1130 rw private anon
9 T0 mmap 1196..1206 r private x2
10 T0 mmap 366..592 r private x2
11 T0 mmap 404..498 rx private x2+38
12 T0 mmap 498..573 r private x2+132
13 T0 mmap 573..579 rw private x2+207
14 T0 mmap 579..592 rw private anon
15 T0 mmap 262..366 r private x2
16 T0 mmap 278..322 rx private x2+16
17 T0 mmap 322..364 r private x2+60
18 T0 mmap 364..366 rw private x2+101
19 T0 mmap 1194..1196 rw private anon
20 T0 mprotect 573..577 r
21 T0 mprotect 364..365 r
22 T0 mprotect 1005..1052 r
23 T0 mprotect 12..13 r
24 T0 mprotect 1217..1219 r
25 T0 munmap 1196..1206
26 T0 mmap 26..35 rw private anon
27 T0 mmap 1147..1194 r private x2
28 T0 mmap 1199..1206 r shared x2
29 T0 mmap 254..262 rw private anon
30 T0 mmap 245..254 rw private anon
31 T0 mmap 1138..1147 rw private anon
32 T0 mmap 1134..1138 rw private anon
33 T0 mmap 35..44 rw private anon
34 T0 mmap 44..56 rw private anon
35 T0 mmap 237..245 rw private anon
36 T0 mmap 56..65 rw private anon
37 T0 mmap 65..85 rw private anon
38 T0 munmap 76..85
39 T0 mmap 76..93 rw private anon
40 T0 mmap 93..102 rw private anon
41 T0 mmap 229..237 rw private anon
42 T0 mmap 102..130 rw private anon
43 T0 munmap 115..130
44 T0 mmap 115..138 rw private anon
45 T0 mmap 217..229 r private x3
46 T0 mmap 219..224 rx private x3+2
47 T0 mmap 224..227 r private x3+7
48 T0 mmap 227..229 rw private x3+9
49 T0 mmap 207..217 r private x3
50 T0 mmap 176..207 r private x3
51 T0 mmap 179..198 rx private x3+3
52 T0 mmap 198..205 r private x3+22
53 T0 mmap 205..207 rw private x3+28
54 T0 mprotect 205..206 r
55 T0 mprotect 227..228 r
56 T0 munmap 207..217
57 T0 mmap 210..217 r private x3
58 T0 mmap 212..214 rx private x3+2
59 T0 mmap 214..215 r private x3+4
60 T0 mmap 215..217 rw private x3+5
61 T0 mmap 166..176 r private x3
62 T0 mmap 147..166 r private x3
63 T0 mmap 149..162 rx private x3+2
64 T0 mmap 162..164 r private x3+15
