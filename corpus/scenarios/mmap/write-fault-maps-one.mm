# mmfarm scenario 1
# title: a write fault of a shared file maps only its own page
# category: mmap
# expect: clean
# origin: seed:mmap
config pmd_order=3 frames=64
1 T0 memfd f0 8
2 T0 pwrite f0 2
3 T0 pwrite f0 3
4 T0 mmap 0..8 rw shared f0
5 T0 write 2
6 T0 pagemap 2
7 T0 pagemap 3
