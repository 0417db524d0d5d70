# mmfarm scenario 1
# title: a write through /proc/self/mem reaches all who share the page
# category: gup_test
# expect: clean
# origin: seed:gup_test
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw shared anon
2 T0 fork T1
3 T1 mem_write 1
4 T0 read 1
5 T0 mem_read 1
