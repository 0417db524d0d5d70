# mmfarm scenario 1
# title: fallocate() may keep pages behind the end, until the file is truncated, be it to the size it has
# category: memfd
# expect: clean
# origin: seed:fallocated_pages_behind_the_end
config pmd_order=3 frames=64
1 T0 memfd f0 2
2 T0 pwrite f0 0
3 T0 fallocate f0 1 4 keep-size
4 T0 fstat f0 blocks
5 T0 fstat f0 size
6 T0 ftruncate f0 2
7 T0 fstat f0 blocks
8 T0 pread f0 0
