# mmfarm scenario 1
# title: a moved shared mapping still maps the same page of its file
# category: mremap
# expect: clean
# origin: seed:mremap_test
config pmd_order=3 frames=64
1 T0 memfd f0 8
2 T0 mmap 0..4 rw shared f0+3
3 T0 write 1
4 T0 mremap 1..3 to 16
5 T0 write 17
6 T0 pread f0 4
7 T0 pread f0 5
