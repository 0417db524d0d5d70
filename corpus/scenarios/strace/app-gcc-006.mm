# mmfarm scenario 1
# title: app-gcc, lines 227 to 289
# expect: clean
# origin: strace:app-gcc
config pmd_order=3 frames=64 pages=976
1 T0 mmap 9..16 rw private x0
2 T0 mmap 959..961 rw private x1
3 T0 mmap 948..950 rw private anon
4 T0 mmap 938..948 r private x2
5 T0 mmap 744..938 r private x2
6 T0 mmap 806..866 rx private x2+62
7 T0 mmap 866..915 r private x2+122
8 T0 mmap 915..938 rw private x2+171
9 T0 mmap 689..744 r private x2
10 T0 mmap 693..732 rx private x2+4
11 T0 mmap 732..742 r private x2+43
12 T0 mmap 742..744 rw private x2+52
13 T0 mmap 673..689 r private x2
14 T0 mmap 675..684 rx private x2+2
15 T0 mmap 684..687 r private x2+11
16 T0 mmap 687..689 rw private x2+13
17 T0 mmap 367..673 r private x2
18 T0 mmap 405..571 rx private x2+38
19 T0 mmap 571..654 r private x2+204
20 T0 mmap 654..660 rw private x2+287
21 T0 mmap 660..673 rw private anon
22 T0 mmap 336..367 r private x2
23 T0 mmap 339..358 rx private x2+3
24 T0 mmap 358..365 r private x2+22
25 T0 mmap 365..367 rw private x2+28
26 T0 mmap 334..336 rw private anon
27 T0 mmap 226..334 r private x2
28 T0 mmap 231..312 rx private x2+5
29 T0 mmap 312..332 r private x2+86
30 T0 mmap 332..334 rw private x2+105
31 T0 mmap 217..226 r private x2
32 T0 mmap 219..223 rx private x2+2
33 T0 mmap 223..224 r private x2+6
34 T0 mmap 224..226 rw private x2+7
35 T0 mmap 214..217 rw private anon
36 T0 mprotect 654..658 r
37 T0 mprotect 224..225 r
38 T0 mprotect 332..333 r
39 T0 mprotect 365..366 r
40 T0 mprotect 687..688 r
41 T0 mprotect 915..935 r
42 T0 mprotect 742..743 r
43 T0 mprotect 9..16 r
44 T0 mprotect 959..961 r
45 T0 munmap 938..948
46 T0 mmap 30..39 rw private anon
47 T0 mmap 947..948 r private x2
48 T0 mmap 940..947 r shared x2
49 T0 mmap 143..214 r private x2
50 T0 mmap 122..143 r private x2
51 T0 mmap 124..137 rx private x2+2
52 T0 mmap 137..141 r private x2+15
53 T0 mmap 141..143 rw private x2+19
54 T0 mprotect 141..142 r
55 T0 mmap 39..48 rw private anon
56 T0 mmap 48..57 rw private anon
57 T0 mmap 57..69 rw private anon
58 T0 mmap 69..80 rw private anon
59 T0 mmap 80..97 rw private anon
60 T0 munmap 89..97
61 T0 mmap 89..114 rw private anon
62 T0 munmap 113..114
63 T0 munmap 112..113
64 T0 munmap 111..112
