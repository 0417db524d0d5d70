# mmfarm scenario 1
# title: a shared mapping that is read-only cannot be written by force
# category: gup_test
# expect: clean
# origin: seed:gup_test
config pmd_order=3 frames=64
1 T0 memfd f0 4
2 T0 mmap 0..4 r shared f0
3 T0 mmap 4..8 r shared anon
4 T0 mem_write 1
5 T0 mem_write 5
6 T0 mem_read 1
7 T0 pread f0 1
