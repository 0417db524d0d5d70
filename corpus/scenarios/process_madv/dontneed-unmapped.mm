# mmfarm scenario 1
# title: advice about nothing that is mapped is ENOMEM
# category: process_madv
# expect: clean
# origin: seed:process_madv
config pmd_order=3 frames=64
1 T0 madvise 0..4 DONTNEED
2 T0 madvise 0..4 WILLNEED
3 T0 madvise 0..4 DONTFORK
4 T0 madvise 0..4 POPULATE_READ
5 T0 madvise 0..4 GUARD_INSTALL
6 T0 madvise 0..4 FREE
