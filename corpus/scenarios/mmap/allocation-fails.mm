# mmfarm scenario 1
# title: a fault without memory is told the task and may be tried again
# category: mmap
# expect: clean
# origin: seed:mmap
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 1
3 T0 pagemap 1
4 T0 write 1
5 T0 read 1
@2 do_anonymous_page:alloc#1 fail
