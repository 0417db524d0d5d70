# mmfarm scenario 1
# title: MAP_POPULATE past the end of a file is no error
# category: mmap
# expect: clean
# origin: seed:map_populate
config pmd_order=3 frames=64
1 T0 memfd f0 1
2 T0 mmap 0..3 r shared f0 populate
3 T0 pagemap 0
4 T0 pagemap 1
5 T0 read 1
