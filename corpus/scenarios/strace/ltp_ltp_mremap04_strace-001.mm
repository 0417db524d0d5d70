# mmfarm scenario 1
# title: ltp_ltp_mremap04_strace, lines 4 to 84
# expect: clean
# origin: strace:ltp_ltp_mremap04_strace
config pmd_order=3 frames=64 pages=104
1 T0 mmap 89..90 rw private x0
2 T0 mmap 86..89 rw private anon
3 T0 mmap 32..70 rx private x1
4 T0 mprotect 45..60 none
5 T0 mmap 60..66 rw private x1+20
6 T0 mmap 66..70 rw private anon
7 T0 mmap 84..86 rw private anon
8 T0 mprotect 60..64 r
9 T0 mprotect 89..90 r
10 T0 mmap 14..23 rw private anon
11 T0 mmap 82..84 rw shared anon
12 T0 mremap 82..83 to 82..84
13 T0 munmap 82..84
14 T0 exit
