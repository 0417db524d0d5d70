# mmfarm scenario 1
# title: a thread's store that comes before the move goes along
# category: mremap
# expect: clean
# origin: seed:mremap_test
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 mremap 0..4 to 16
3 T1 write 1
4 T0 read 17
5 T1 read 1
@2 op:begin#1 -> T1
