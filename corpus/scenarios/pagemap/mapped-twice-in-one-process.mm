# mmfarm scenario 1
# title: a file's page that one process maps twice is not exclusive
# category: pagemap
# expect: clean
# origin: seed:pagemap_ioctl
config pmd_order=3 frames=64
1 T0 memfd f0 2
2 T0 mmap 0..2 rw shared f0
3 T0 mmap 4..6 rw shared f0
4 T0 write 1
5 T0 pagemap 1
6 T0 read 5
7 T0 pagemap 1
8 T0 munmap 4..6
9 T0 pagemap 1
