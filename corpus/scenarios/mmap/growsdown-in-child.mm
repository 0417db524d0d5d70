# mmfarm scenario 1
# title: parent and child let their stacks grow apart
# category: mmap
# expect: clean
# origin: seed:mmap
config pmd_order=9 frames=256 pages=640
1 T0 mmap 600..602 rw private anon growsdown
2 T0 write 600
3 T0 fork T1
4 T1 write 590
5 T0 write 595
6 T0 read 590
7 T1 read 600
