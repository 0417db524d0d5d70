# mmfarm scenario 1
# title: a pipe keeps the page that its process has discarded
# category: gup_test
# expect: clean
# origin: seed:cow
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 1
3 T0 vmsplice p0 1
4 T0 madvise 0..4 DONTNEED
5 T0 write 1
6 T0 pipe_read p0
7 T0 read 1
