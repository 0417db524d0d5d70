# mmfarm scenario 1
# title: a forced write to a read-only private file mapping copies and spares the file
# category: gup_test
# expect: clean
# origin: seed:gup_test
config pmd_order=3 frames=64
1 T0 memfd f0 4
2 T0 pwrite f0 1
3 T0 mmap 0..4 r private f0
4 T0 read 1
5 T0 mem_write 1
6 T0 read 1
7 T0 pread f0 1
