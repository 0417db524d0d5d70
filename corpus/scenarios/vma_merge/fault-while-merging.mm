# mmfarm scenario 1
# title: a store through a TLB entry lands while the VMAs around it merge
# category: vma_merge
# expect: clean
# origin: seed:merge
config pmd_order=3 frames=64
1 T0 mmap 0..9 rw private anon noreserve
2 T0 mprotect 0..3 rwx
3 T0 mprotect 6..9 rwx
4 T0 write 4
5 T0 mprotect 3..6 rwx
6 T1 write 7
7 T0 read 4
8 T1 read 7
@5 commit_merge:set_range#1 -> T1
