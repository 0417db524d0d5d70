# mmfarm scenario 1
# title: a store held back until MADV_DONTNEED has returned is not lost
# category: process_madv
# expect: clean
# origin: seed:process_madv
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 1
3 T0 write 1.1
4 T1 madvise 0..4 DONTNEED
5 T0 read 1
6 T0 read 1.1
@3 op:begin#1 park 4
