# mmfarm scenario 1
# title: app-python, lines 3 to 38
# expect: clean
# origin: strace:app-python
config pmd_order=3 frames=64 pages=208
1 T0 mmap 11..12 rw private x0
2 T0 mmap 197..199 rw private x1
3 T0 mmap 186..188 rw private anon
4 T0 mmap 176..186 r private x2
5 T0 mmap 94..176 r private x2
6 T0 mmap 124..146 rx private x2+30
7 T0 mmap 146..157 r private x2+52
8 T0 mmap 157..163 rw private x2+63
9 T0 mmap 163..176 rw private anon
10 T0 mmap 91..94 rw private anon
11 T0 mprotect 157..161 r
12 T0 mprotect 11..12 r
13 T0 mprotect 197..199 r
14 T0 munmap 176..186
15 T0 mmap 20..29 rw private anon
16 T0 mmap 185..186 r private x2
17 T0 mmap 178..185 r shared x2
18 T0 mmap 177..178 r private x2
19 T0 mmap 176..177 r private x2
20 T0 mmap 90..91 r private x2
21 T0 mmap 89..90 r private x2
22 T0 mmap 88..89 r private x2
23 T0 mmap 87..88 r private x2
24 T0 mmap 86..87 r private x2
25 T0 mmap 85..86 r private x2
26 T0 mmap 84..85 r private x2
27 T0 mmap 83..84 r private x2
28 T0 mmap 44..83 r private x2
29 T0 exit
