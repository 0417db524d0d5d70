# mmfarm scenario 1
# title: a pin of one page of a huge page that is split keeps all of its pages soft-dirty
# category: thp
# requires: gup_test
# expect: clean
# origin: seed:transhuge-stress
config pmd_order=3 frames=64 thp=always
1 T0 mmap 0..8 rw private anon
2 T0 write 5
3 T0 pin p0 5 w
4 T0 madvise 0..1 DONTNEED
5 T0 clear_refs soft-dirty
6 T0 pagemap 6
