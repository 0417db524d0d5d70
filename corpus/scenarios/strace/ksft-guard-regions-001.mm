# mmfarm scenario 1
# title: ksft-guard-regions, lines 3 to 97
# expect: clean
# origin: strace:ksft-guard-regions
config pmd_order=3 frames=64 pages=168
1 T0 mmap 8..9 rw private x0
2 T0 mmap 155..157 rw private x1
3 T0 mmap 144..146 rw private anon
4 T0 mmap 134..144 r private x2
5 T0 mmap 76..134 r private x3
6 T0 mmap 90..104 rx private x3+14
7 T0 mmap 104..115 r private x3+28
8 T0 mmap 115..121 rw private x3+39
9 T0 mmap 121..134 rw private anon
10 T0 mmap 73..76 rw private anon
11 T0 mprotect 115..119 r
12 T0 mprotect 8..9 r
13 T0 mprotect 155..157 r
14 T0 munmap 134..144
15 T0 mmap 143..144 rw shared anon
16 T0 mmap 142..143 rw shared anon
17 T0 mmap 141..142 rw shared anon
18 T0 mmap 140..141 rw shared anon
19 T0 mmap 139..140 rw shared anon
20 T0 mmap 138..139 rw shared anon
21 T0 mmap 137..138 rw shared anon
22 T0 mmap 136..137 rw shared anon
23 T0 mmap 135..136 rw shared anon
24 T0 mmap 134..135 rw shared anon
25 T0 mmap 72..73 rw shared anon
26 T0 mmap 71..72 rw shared anon
27 T0 mmap 70..71 rw shared anon
28 T0 mmap 69..70 rw shared anon
29 T0 mmap 68..69 rw shared anon
30 T0 mmap 67..68 rw shared anon
31 T0 mmap 66..67 rw shared anon
32 T0 mmap 65..66 rw shared anon
33 T0 mmap 64..65 rw shared anon
34 T0 mmap 63..64 rw shared anon
35 T0 mmap 62..63 rw shared anon
36 T0 mmap 61..62 rw shared anon
37 T0 mmap 60..61 rw shared anon
38 T0 mmap 59..60 rw shared anon
39 T0 mmap 58..59 rw shared anon
40 T0 mmap 57..58 rw shared anon
41 T0 mmap 56..57 rw shared anon
42 T0 mmap 55..56 rw shared anon
43 T0 mmap 54..55 rw shared anon
44 T0 mmap 53..54 rw shared anon
45 T0 mmap 52..53 rw shared anon
46 T0 mmap 20..29 rw private anon
47 T0 fork T1
48 T1 mmap 51..52 rw shared anon
49 T1 mmap 49..51 rw shared anon
50 T1 fork T2
51 T2 mmap 39..49 rw private anon
52 T2 madvise 39..40 GUARD_INSTALL
53 T2 read 39
54 T2 madvise 48..49 GUARD_INSTALL
55 T2 read 39
56 T2 read 48
57 T2 madvise 39..40 GUARD_REMOVE
58 T2 madvise 48..49 GUARD_REMOVE
59 T2 madvise 39..42 GUARD_INSTALL
60 T2 read 39
61 T2 read 40
62 T2 read 41
63 T2 madvise 39..49 GUARD_REMOVE
64 T2 madvise 39..49 GUARD_REMOVE
