# mmfarm scenario 1
# title: mlock() of a part of a huge page splits its mapping
# category: thp
# expect: clean
# origin: seed:transhuge-stress
config pmd_order=3 frames=64 thp=always
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 T0 mlock 0..4
4 T0 read 3
5 T0 madvise 0..4 DONTNEED
6 T0 munlock 0..4
7 T0 read 3
