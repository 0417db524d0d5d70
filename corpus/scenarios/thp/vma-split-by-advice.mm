# mmfarm scenario 1
# title: advice about a part of a mapping splits the huge page that it cuts
# category: thp
# expect: clean
# origin: seed:transhuge-stress
config pmd_order=3 frames=64 thp=always
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 T0 madvise 0..4 DONTFORK
4 T0 write 4
5 T0 fork T1
6 T1 read 4
7 T1 read 3
8 T0 read 3
