# mmfarm scenario 1
# title: a private read of a file's hole fills the page cache with zeroes
# category: cow
# expect: clean
# origin: seed:cow
config pmd_order=3 frames=64
1 T0 memfd f0 4
2 T0 mmap 0..4 r private f0
3 T0 read 2
4 T0 pagemap 2
5 T0 pread f0 2
6 T0 pwrite f0 2
7 T0 read 2
