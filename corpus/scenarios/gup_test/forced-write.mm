# mmfarm scenario 1
# title: /proc/self/mem writes to a read-only private mapping
# category: gup_test
# expect: clean
# origin: seed:gup_test
config pmd_order=3 frames=64
1 T0 mmap 0..4 r private anon
2 T0 read 1
3 T0 mem_write 1
4 T0 read 1
5 T0 pagemap 1
6 T0 mem_read 1.1
