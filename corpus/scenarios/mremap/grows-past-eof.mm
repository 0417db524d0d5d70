# mmfarm scenario 1
# title: a file mapping may grow beyond its file, and faults there with SIGBUS
# category: mremap
# expect: clean
# origin: seed:mremap_test
config pmd_order=3 frames=64
1 T0 memfd f0 2
2 T0 mmap 0..2 rw shared f0
3 T0 mremap 0..2 to 0..4
4 T0 read 1
5 T0 read 3
6 T0 pwrite f0 3
7 T0 read 3
