# mmfarm scenario 1
# title: app-gcc, lines 27 to 89
# expect: clean
# origin: strace:app-gcc
config pmd_order=3 frames=64 pages=1768
1 T0 mmap 13..17 rw private x0
2 T0 mmap 1752..1754 rw private x1
3 T0 mmap 1741..1743 rw private anon
4 T0 mmap 1731..1741 r private x2
5 T0 mmap 1072..1450 r private x2
6 T0 mmap 1170..1347 rx private x2+98
7 T0 mmap 1347..1441 r private x2+275
8 T0 mmap 1441..1450 rw private x2+369
9 T0 mmap 1697..1731 r private x2
10 T0 mmap 1703..1725 rx private x2+6
11 T0 mmap 1725..1729 r private x2+28
12 T0 mmap 1729..1731 rw private x2+31
13 T0 mmap 1511..1697 r private x2
14 T0 mmap 1525..1662 rx private x2+14
15 T0 mmap 1662..1685 r private x2+151
16 T0 mmap 1685..1697 rw private x2+174
17 T0 mmap 943..1072 r private x2
18 T0 mmap 954..1047 rx private x2+11
19 T0 mmap 1047..1070 r private x2+104
20 T0 mmap 1070..1072 rw private x2+127
21 T0 mmap 1480..1511 r private x2
22 T0 mmap 1483..1502 rx private x2+3
23 T0 mmap 1502..1509 r private x2+22
24 T0 mmap 1509..1511 rw private x2+28
25 T0 mmap 1478..1480 rw private anon
26 T0 mmap 755..943 r private x2
27 T0 mmap 760..921 rx private x2+5
28 T0 mmap 921..941 r private x2+166
29 T0 mmap 941..943 rw private x2+185
30 T0 mmap 531..755 r private x2
31 T0 mmap 547..663 rx private x2+16
32 T0 mmap 663..753 r private x2+132
33 T0 mmap 753..755 rw private x2+221
34 T0 mmap 193..531 r private x2
35 T0 mmap 231..429 rx private x2+38
36 T0 mmap 429..512 r private x2+236
37 T0 mmap 512..518 rw private x2+319
38 T0 mmap 518..531 rw private anon
39 T0 mmap 1476..1478 rw private anon
40 T0 mprotect 512..516 r
41 T0 mprotect 753..754 r
42 T0 mprotect 941..942 r
43 T0 mprotect 1509..1510 r
44 T0 mprotect 1070..1071 r
45 T0 mprotect 1685..1687 r
46 T0 mprotect 1729..1730 r
47 T0 mprotect 1441..1442 r
48 T0 mprotect 13..17 r
49 T0 mprotect 1752..1754 r
50 T0 munmap 1731..1741
51 T0 mmap 32..41 rw private anon
52 T0 mmap 106..193 r private x2
53 T0 mmap 1734..1741 r shared x2
54 T0 mmap 1733..1734 r private x2
55 T0 mmap 1732..1733 rw private anon
56 T0 mmap 1467..1476 rw private anon
57 T0 mmap 41..52 rw private anon
58 T0 mmap 88..96 rw private anon
59 T0 mmap 1465..1467 rw private anon
60 T0 mmap 1463..1465 rw private anon
61 T0 mmap 1461..1463 rw private anon
62 T0 mmap 1457..1461 rw private anon
63 T0 mmap 52..61 rw private anon
64 T0 mmap 61..75 rw private anon
