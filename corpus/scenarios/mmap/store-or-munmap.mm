# mmfarm scenario 1
# title: a thread's store that comes after munmap() is SIGSEGV
# category: mmap
# expect: clean
# origin: seed:mmap
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 1
3 T1 write 1
4 T0 munmap 0..4
5 T1 write 1
@3 op:begin#1 -> T0
@4 op:begin#1 -> T1
