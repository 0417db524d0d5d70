# mmfarm scenario 1
# title: of two threads' stores the child has the one that came before fork()
# category: cow
# expect: clean
# origin: seed:cow
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 1
3 T0 fork T2
4 T1 write 1.1
5 T2 read 1
6 T2 read 1.1
@3 op:begin#1 -> T1
