# mmfarm scenario 1
# title: a file's page in a pipe shows what is written to the file later
# category: gup_test
# expect: clean
# origin: seed:cow
config pmd_order=3 frames=64
1 T0 memfd f0 4
2 T0 pwrite f0 1
3 T0 mmap 0..4 r private f0
4 T0 vmsplice p0 1
5 T0 pwrite f0 1
6 T0 pipe_read p0
