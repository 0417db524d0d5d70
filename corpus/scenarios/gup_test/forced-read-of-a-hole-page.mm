# mmfarm scenario 1
# title: a forced read of an untouched page sees zeroes and maps no page of its own
# category: gup_test
# expect: clean
# origin: seed:gup_test
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 mem_read 1
3 T0 pagemap 1
4 T0 write 1
5 T0 mem_read 1
