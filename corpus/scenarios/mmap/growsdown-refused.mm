# mmfarm scenario 1
# title: shared memory and files do not grow down
# category: mmap
# expect: clean
# origin: seed:mmap
config pmd_order=3 frames=64
1 T0 memfd f0 4
2 T0 mmap 4..8 rw shared anon growsdown
3 T0 mmap 4..8 rw private f0 growsdown
4 T0 mmap 4..8 rw shared f0 growsdown
