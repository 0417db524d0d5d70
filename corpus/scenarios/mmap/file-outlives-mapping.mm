# mmfarm scenario 1
# title: what was stored to a shared file mapping is in the file after munmap()
# category: mmap
# expect: clean
# origin: seed:mmap
config pmd_order=3 frames=64
1 T0 memfd f0 4
2 T0 mmap 0..4 rw shared f0
3 T0 write 1
4 T0 munmap 0..4
5 T0 pread f0 1
6 T0 mmap 8..12 r shared f0
7 T0 read 9
