# mmfarm scenario 1
# title: a shared file mapping stays one after fork()
# category: cow
# expect: clean
# origin: seed:cow
config pmd_order=3 frames=64
1 T0 memfd f0 4
2 T0 mmap 0..4 rw shared f0
3 T0 fork T1
4 T1 write 1
5 T0 read 1
6 T0 pread f0 1
