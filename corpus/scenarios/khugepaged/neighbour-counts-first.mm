# mmfarm scenario 1
# title: a page is counted and not yet mapped while a huge one beside it changes its protection
# category: khugepaged
# expect: clean
# origin: seed:fuzzed
config pmd_order=3 frames=64
1 T0 mmap 0..9 w private anon
2 T0 mlock 0..8
3 T0 madvise 0..8 COLLAPSE
4 T0 write 8
5 T1 mprotect 0..8 none
@4 do_anonymous_page:set_pte#1 -> T1
