# mmfarm scenario 1
# title: the workload of `mmfarm bench speed`
# expect: clean
config pmd_order=3 frames=128
1 T0 mmap 0..16 rw private anon
2 T0 write 0
3 T0 write 1
4 T0 write 2.1
5 T0 write 3
6 T0 write 8
7 T0 write 9.2
8 T0 read 12
9 T1 mmap 16..32 rw private anon
10 T1 write 16
11 T1 write 17
12 T1 write 24.3
13 T1 read 16
14 T1 madvise 24..28 POPULATE_WRITE
15 T0 mprotect 0..4 r
16 T0 read 2.1
17 T1 pin p0 16 w
18 T1 dma_write p0.1
19 T0 fork T2
20 T2 write 8
21 T2 read 9.2
22 T2 write 9
23 T2 madvise 0..8 DONTNEED
24 T2 read 0
25 T0 mprotect 0..4 rw
26 T0 write 3.1
27 T0 write 8.3
28 T1 read 17
29 T1 write 16.2
30 T1 dma_read p0.2
31 T0 madvise 8..12 DONTNEED
32 T0 read 8
33 T0 write 10
34 T1 mremap 24..28 to 40
35 T1 read 40.3
36 T1 write 41
37 T2 mmap 48..56 rw private anon populate
38 T2 write 50
39 T2 mprotect 48..52 r
40 T2 munmap 52..56
41 T1 pin_fast p1 41 r
42 T0 madvise 40..44 FREE
43 T1 unpin p0
44 T1 unpin p1
45 T0 munmap 12..20
46 T1 write 24
47 T2 exit
48 T0 clear_refs soft-dirty
@10 op:end#1 -> T0
@20 op:end#1 -> T1
@26 op:end#1 -> T2
@33 op:begin#1 -> T1
