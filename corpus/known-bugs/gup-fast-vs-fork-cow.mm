# mmfarm scenario 1
# title: pin_user_pages_fast() pins a page that fork() is sharing
# category: cow
# requires: gup_test
# expect: pin gup_fast anon
# origin: seed:gup-fast-vs-fork-cow
config pmd_order=3 frames=64 bug=gup-fast-vs-fork-cow
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 T0 fork T2
4 T1 pin_fast p0 3 w
5 T0 write 3
@3 copy_present_pte:wrprotect#1 -> T1
