# mmfarm scenario 1
# title: MAP_POPULATE of shared memory fills the page cache for the child
# category: mmap
# expect: clean
# origin: seed:map_populate
config pmd_order=3 frames=64
1 T0 mmap 0..2 rw shared anon populate
2 T0 fork T1
3 T1 pagemap 1
4 T1 write 1
5 T1 pagemap 1
6 T0 read 1
