# mmfarm scenario 1
# title: ltp-2_ltp_mlockall02_strace, lines 17 to 77
# expect: clean
# origin: strace:ltp-2_ltp_mlockall02_strace
config pmd_order=3 frames=64 pages=144
1 T0 mmap 93..117 rx private x0
2 T0 mprotect 100..115 none
3 T0 mmap 115..117 rw private x0+6
4 T0 mmap 69..93 rx private x1
5 T0 mprotect 81..89 none
6 T0 mmap 89..91 rw private x1+12
7 T0 mmap 91..93 rw private anon
8 T0 mprotect 89..90 r
9 T0 mprotect 115..116 r
10 T0 mmap 41..69 rx private x2
11 T0 mprotect 52..67 none
12 T0 mmap 67..69 rw private x2+10
13 T0 mmap 15..41 rx private x3
14 T0 mprotect 25..33 none
15 T0 mmap 33..35 rw private x3+10
16 T0 mmap 35..41 rw private anon
17 T0 mprotect 33..34 r
18 T0 mprotect 67..68 r
19 T0 mmap 128..129 r shared x4
20 T0 munmap 128..129
21 T0 mmap 128..129 r shared x5
22 T0 munmap 128..129
23 T0 exit
