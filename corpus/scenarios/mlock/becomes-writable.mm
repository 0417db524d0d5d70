# mmfarm scenario 1
# title: private locked memory that becomes writable is copied at once
# category: mlock
# expect: clean
# origin: seed:mlock
config pmd_order=3 frames=64
1 T0 memfd f0 4
2 T0 pwrite f0 1
3 T0 mmap 0..4 r private f0 locked
4 T0 pagemap 1
5 T0 mprotect 0..4 rw
6 T0 pagemap 1
7 T0 read 1
