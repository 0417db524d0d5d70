# mmfarm scenario 1
# title: app-gcc, lines 153 to 195
# expect: clean
# origin: strace:app-gcc
config pmd_order=3 frames=64 pages=800
1 T0 mmap 13..28 rw private x0
2 T0 mmap 790..792 rw private x1
3 T0 mmap 779..781 rw private anon
4 T0 mmap 769..779 r private x2
5 T0 mmap 599..769 r private x2
6 T0 mmap 661..721 rx private x2+62
7 T0 mmap 721..746 r private x2+122
8 T0 mmap 746..769 rw private x2+147
9 T0 mmap 568..599 r private x2
10 T0 mmap 571..590 rx private x2+3
11 T0 mmap 590..597 r private x2+22
12 T0 mmap 597..599 rw private x2+28
13 T0 mmap 460..568 r private x2
14 T0 mmap 465..546 rx private x2+5
15 T0 mmap 546..566 r private x2+86
16 T0 mmap 566..568 rw private x2+105
17 T0 mmap 178..460 r private x2
18 T0 mmap 216..358 rx private x2+38
19 T0 mmap 358..441 r private x2+180
20 T0 mmap 441..447 rw private x2+263
21 T0 mmap 447..460 rw private anon
22 T0 mmap 169..178 r private x2
23 T0 mmap 171..175 rx private x2+2
24 T0 mmap 175..176 r private x2+6
25 T0 mmap 176..178 rw private x2+7
26 T0 mmap 167..169 rw private anon
27 T0 mprotect 441..445 r
28 T0 mprotect 176..177 r
29 T0 mprotect 566..567 r
30 T0 mprotect 597..598 r
31 T0 mprotect 746..766 r
32 T0 mprotect 13..28 r
33 T0 mmap 165..167 rw private anon
34 T0 mprotect 790..792 r
35 T0 munmap 769..779
36 T0 mmap 42..51 rw private anon
37 T0 mmap 778..779 r private x2
38 T0 mmap 771..778 r shared x2
39 T0 mmap 94..165 r private x2
40 T0 mmap 51..60 rw private anon
41 T0 mmap 60..69 rw private anon
42 T0 mmap 69..80 rw private anon
43 T0 exit
