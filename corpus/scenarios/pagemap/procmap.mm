# mmfarm scenario 1
# title: PROCMAP_QUERY finds the mapping of a page, or the next one, under its lock alone
# category: pagemap
# requires: procmap-query
# expect: clean
# origin: seed:procmap-error-path-double-mmput
config pmd_order=3 frames=64
1 T0 mmap 4..8 rw private anon
2 T0 memfd f0 2
3 T0 mmap 12..14 r shared f0
4 T0 procmap 5
5 T0 procmap 0
6 T0 procmap 9 build-id
7 T0 procmap 20
8 T0 procmap 6
9 T1 munmap 4..8
@8 lock_next_vma:walk#1 -> T1
