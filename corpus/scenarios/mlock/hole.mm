# mmfarm scenario 1
# title: mlock() of a range with a hole fails, and has locked what comes before it
# category: mlock
# expect: clean
# origin: seed:mlock
config pmd_order=3 frames=64
1 T0 mmap 0..2 rw private anon
2 T0 mmap 3..5 rw private anon
3 T0 mlock 0..5
4 T0 madvise 0..1 DONTNEED
5 T0 madvise 3..4 DONTNEED
6 T0 mlock 2..4
7 T0 munlock 0..3
8 T0 madvise 0..1 DONTNEED
