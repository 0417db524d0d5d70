# mmfarm scenario 1
# title: a forced write whose copy is discarded meanwhile copies again
# category: gup_test
# expect: clean
# origin: seed:dirtycow-foll-write-dropped
config pmd_order=3 frames=64
1 T0 memfd f0 4
2 T0 mmap 0..4 r private f0
3 T0 mem_write 1
4 T1 madvise 1..2 DONTNEED
5 T0 read 1
6 T0 pread f0 1
@3 get_user_pages:retry#1 -> T1
