# mmfarm scenario 1
# title: /proc/self/mem fails behind the end of a mapped file
# category: gup_test
# expect: clean
# origin: seed:gup_test
config pmd_order=3 frames=64
1 T0 memfd f0 1
2 T0 mmap 0..4 rw shared f0
3 T0 mem_write 0
4 T0 mem_read 2
5 T0 mem_write 2
6 T0 pread f0 0
