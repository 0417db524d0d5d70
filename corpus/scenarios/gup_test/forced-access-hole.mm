# mmfarm scenario 1
# title: /proc/self/mem reads and writes nothing where nothing is mapped
# category: gup_test
# expect: clean
# origin: seed:gup_test
config pmd_order=3 frames=64
1 T0 mmap 0..2 rw private anon
2 T0 mem_read 3
3 T0 mem_write 3
4 T0 mem_write 1
5 T0 munmap 0..2
6 T0 mem_read 1
