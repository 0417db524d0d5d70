# mmfarm scenario 1
# title: a store that is held up until another thread has mapped anew finds fresh memory
# category: mmap
# expect: clean
# origin: seed:mmap
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 1
3 T0 write 1.1
4 T1 munmap 0..4
5 T1 mmap 0..4 rw private anon
6 T0 read 1
7 T0 read 1.1
@3 op:begin#1 park 5
